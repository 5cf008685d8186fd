"""The real types that can call a function, and blueprints of them without the ceremony."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from blueprint_fakes import marked, place

from serverless_cli.blueprint.parse import parse
from serverless_cli.errors import BlueprintError, Problem
from serverless_cli.model import Ref, Spec, Stack
from serverless_cli.policy import tidy
from serverless_cli.resources.admission import AdmissionWeaver
from serverless_cli.resources.bucket import BucketType
from serverless_cli.resources.delivery_stream import DeliveryStreamType
from serverless_cli.resources.destination import DestinationWeaver
from serverless_cli.resources.event_bus import EventBusType
from serverless_cli.resources.function import FunctionType
from serverless_cli.resources.log_group import LogGroupWeaver
from serverless_cli.resources.mapping import MappingWeaver
from serverless_cli.resources.notification import NotificationWeaver
from serverless_cli.resources.permission import PermissionWeaver
from serverless_cli.resources.queue import QueueType
from serverless_cli.resources.role import RoleSpec, RoleType, RoleWeaver
from serverless_cli.resources.stream import StreamType
from serverless_cli.resources.subscription import SubscriptionWeaver
from serverless_cli.resources.table import TableType
from serverless_cli.resources.topic import TopicType
from serverless_cli.wiring import Statement

TYPES = {one.type_name: one for one in (
    FunctionType(), RoleType(), BucketType(), QueueType(), TableType(), TopicType(), StreamType(),
    DeliveryStreamType(), EventBusType(),
)}  # fmt: skip
WEAVERS = {one.takes: one for one in (
    LogGroupWeaver(), RoleWeaver(), PermissionWeaver(), AdmissionWeaver(), SubscriptionWeaver(), MappingWeaver(),
    NotificationWeaver(), DestinationWeaver(),
)}  # fmt: skip

A = "eu-central-1:123456789012"


class Blueprints:
    """Reads the `resources:` of blueprints in a folder that has a function's code in `fn`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "fn").mkdir(parents=True)
        (home / "fn" / "app.py").write_text("def handler(event, context):\n    return event\n")

    def stack(self, resources: str) -> Stack:
        path = self.home / "blueprint.yaml"
        path.write_text("name: shop\nresources:\n" + textwrap.indent(textwrap.dedent(resources), "  "))
        return parse(path, place=place, types=TYPES, weavers=WEAVERS)

    def refused(self, resources: str) -> tuple[Problem, ...]:
        try:
            self.stack(resources)
        except BlueprintError as error:
            return error.problems
        raise AssertionError("the blueprint was accepted")

    def located(self, resources: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]], list[str]]:
        """Where the text has marks, where problems were found, and what they say."""
        text, places = marked(resources)
        found = self.refused(text)
        # Two lines come before the resources, and each of theirs is indented by two.
        return (
            [(line + 2, column + 2) for line, column in places],
            [(one.where.line, one.where.column) for one in found if one.where],
            [f"{one.what}: {one.why}: {one.hint}" for one in found],
        )


def spec(stack: Stack, kind: str, id: str) -> Any:
    found: Spec = stack.resources[Ref(kind, id)].spec
    return found


def granted(stack: Stack, id: str) -> tuple[Statement, ...]:
    """The statements of a function's role, but for its own log."""
    role = spec(stack, "role", id)
    assert isinstance(role, RoleSpec)
    return tidy(one for one in role.statements if not one.actions[0].startswith("logs:"))


def kinds(stack: Stack) -> set[str]:
    return {str(ref) for ref in stack.resources}
