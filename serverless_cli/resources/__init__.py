"""Every resource type that slx knows. A new one is a file beside this, and its line in the tuples below."""

from __future__ import annotations

from typing import Any

from serverless_cli.resources.admission import AdmissionKind, AdmissionWeaver
from serverless_cli.resources.base import Kind, Type, Weaver
from serverless_cli.resources.bucket import BucketKind, BucketType
from serverless_cli.resources.content import ContentKind, ContentWeaver
from serverless_cli.resources.function import FunctionKind, FunctionType
from serverless_cli.resources.http_api import HttpApiKind, HttpApiType
from serverless_cli.resources.log_group import LogGroupKind, LogGroupWeaver
from serverless_cli.resources.permission import PermissionKind, PermissionWeaver
from serverless_cli.resources.queue import QueueKind, QueueType
from serverless_cli.resources.role import RoleKind, RoleType, RoleWeaver
from serverless_cli.resources.state_machine import StateMachineKind, StateMachineType
from serverless_cli.resources.subscription import SubscriptionKind, SubscriptionWeaver
from serverless_cli.resources.table import TableKind, TableType
from serverless_cli.resources.topic import TopicKind, TopicType

TYPES: tuple[Type[Any], ...] = (
    FunctionType(),
    RoleType(),
    HttpApiType(),
    BucketType(),
    TableType(),
    QueueType(),
    TopicType(),
    StateMachineType(),
)

WEAVERS: tuple[Weaver[Any], ...] = (
    LogGroupWeaver(),
    RoleWeaver(),
    PermissionWeaver(),
    ContentWeaver(),
    AdmissionWeaver(),
    SubscriptionWeaver(),
)

KINDS: dict[str, Kind[Any]] = {
    kind.kind: kind
    for kind in (
        FunctionKind(),
        RoleKind(),
        LogGroupKind(),
        PermissionKind(),
        HttpApiKind(),
        BucketKind(),
        ContentKind(),
        TableKind(),
        QueueKind(),
        AdmissionKind(),
        TopicKind(),
        SubscriptionKind(),
        StateMachineKind(),
    )
}
