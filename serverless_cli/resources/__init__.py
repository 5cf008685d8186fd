"""Every resource type that slx knows. A new one is a file beside this, and its lines in the tables below.

A file is loaded when its type or kind is first asked for: classes cost start-up time (half a millisecond for each
spec), and a stack has a few of all these kinds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Generic, TypeVar

from serverless_cli import wiring
from serverless_cli.model import Spec
from serverless_cli.resources.base import Kind, Type, Weaver

K = TypeVar("K")
V = TypeVar("V")


class Shelf(Mapping[K, V], Generic[K, V]):
    """One instance of each class of a table of `file:class`, made when it is first taken."""

    def __init__(self, table: Mapping[K, str]) -> None:
        self._table = table
        self._taken: dict[K, V] = {}

    def __getitem__(self, key: K) -> V:
        if key not in self._taken:
            file, _, name = self._table[key].partition(":")
            # Two threads may both get here: the classes have no state, so either instance will do.
            self._taken[key] = getattr(import_module(f"{__name__}.{file}"), name)()
        return self._taken[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, key: object) -> bool:
        return key in self._table


class Specs(Mapping[str, type[Spec]]):
    """The type of spec of each kind, for those who decode what was recorded."""

    def __init__(self, kinds: Mapping[str, Kind[Any]]) -> None:
        self._kinds = kinds

    def __getitem__(self, kind: str) -> type[Spec]:
        return self._kinds[kind].spec

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    def __contains__(self, kind: object) -> bool:
        return kind in self._kinds


TYPES: Mapping[str, Type[Any]] = Shelf({
    "function": "function:FunctionType",
    "role": "role:RoleType",
    "http-api": "http_api:HttpApiType",
    "bucket": "bucket:BucketType",
    "table": "table:TableType",
    "queue": "queue:QueueType",
    "topic": "topic:TopicType",
    "event-bus": "event_bus:EventBusType",
    "rule": "rule:RuleType",
    "pipe": "pipe:PipeType",
    "state-machine": "state_machine:StateMachineType",
    "stream": "stream:StreamType",
    "delivery-stream": "delivery_stream:DeliveryStreamType",
})  # fmt: skip
"""by the name that a blueprint gives"""

WEAVERS: Mapping[type[wiring.Wiring], Weaver[Any]] = Shelf({
    wiring.Logs: "log_group:LogGroupWeaver",
    wiring.Runs: "role:RoleWeaver",
    wiring.Invokes: "permission:PermissionWeaver",
    wiring.Uploads: "content:ContentWeaver",
    wiring.Layers: "layer:LayerWeaver",
    wiring.Admits: "admission:AdmissionWeaver",
    wiring.Subscribes: "subscription:SubscriptionWeaver",
    wiring.Listens: "rule:RuleWeaver",
    wiring.Maps: "mapping:MappingWeaver",
    wiring.Notifies: "notification:NotificationWeaver",
    wiring.Delivers: "destination:DestinationWeaver",
})  # fmt: skip
"""by the wiring that they take"""

KINDS: Mapping[str, Kind[Any]] = Shelf({
    "function": "function:FunctionKind",
    "role": "role:RoleKind",
    "log-group": "log_group:LogGroupKind",
    "permission": "permission:PermissionKind",
    "layer": "layer:LayerKind",
    "packages": "packages:PackagesKind",
    "http-api": "http_api:HttpApiKind",
    "bucket": "bucket:BucketKind",
    "content": "content:ContentKind",
    "notification": "notification:NotificationKind",
    "table": "table:TableKind",
    "queue": "queue:QueueKind",
    "admission": "admission:AdmissionKind",
    "topic": "topic:TopicKind",
    "subscription": "subscription:SubscriptionKind",
    "event-bus": "event_bus:EventBusKind",
    "rule": "rule:RuleKind",
    "pipe": "pipe:PipeKind",
    "state-machine": "state_machine:StateMachineKind",
    "stream": "stream:StreamKind",
    "delivery-stream": "delivery_stream:DeliveryStreamKind",
    "mapping": "mapping:MappingKind",
    "destination": "destination:DestinationKind",
})  # fmt: skip
"""by the name that plans and journals give"""

SPECS: Mapping[str, type[Spec]] = Specs(KINDS)
