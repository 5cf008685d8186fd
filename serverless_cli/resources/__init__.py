"""Every resource type that slx knows. A new one is a file beside this, and its line in the tuples below."""

from __future__ import annotations

from typing import Any

from serverless_cli.resources.admission import AdmissionKind, AdmissionWeaver
from serverless_cli.resources.base import Kind, Type, Weaver
from serverless_cli.resources.bucket import BucketKind, BucketType
from serverless_cli.resources.content import ContentKind, ContentWeaver
from serverless_cli.resources.delivery_stream import DeliveryStreamKind, DeliveryStreamType
from serverless_cli.resources.destination import DestinationKind, DestinationWeaver
from serverless_cli.resources.event_bus import EventBusKind, EventBusType
from serverless_cli.resources.function import FunctionKind, FunctionType
from serverless_cli.resources.http_api import HttpApiKind, HttpApiType
from serverless_cli.resources.layer import LayerKind, LayerWeaver
from serverless_cli.resources.log_group import LogGroupKind, LogGroupWeaver
from serverless_cli.resources.mapping import MappingKind, MappingWeaver
from serverless_cli.resources.notification import NotificationKind, NotificationWeaver
from serverless_cli.resources.packages import PackagesKind
from serverless_cli.resources.permission import PermissionKind, PermissionWeaver
from serverless_cli.resources.pipe import PipeKind, PipeType
from serverless_cli.resources.queue import QueueKind, QueueType
from serverless_cli.resources.role import RoleKind, RoleType, RoleWeaver
from serverless_cli.resources.rule import RuleKind, RuleType, RuleWeaver
from serverless_cli.resources.state_machine import StateMachineKind, StateMachineType
from serverless_cli.resources.stream import StreamKind, StreamType
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
    EventBusType(),
    RuleType(),
    PipeType(),
    StateMachineType(),
    StreamType(),
    DeliveryStreamType(),
)

WEAVERS: tuple[Weaver[Any], ...] = (
    LogGroupWeaver(),
    RoleWeaver(),
    PermissionWeaver(),
    ContentWeaver(),
    LayerWeaver(),
    AdmissionWeaver(),
    SubscriptionWeaver(),
    RuleWeaver(),
    MappingWeaver(),
    NotificationWeaver(),
    DestinationWeaver(),
)

KINDS: dict[str, Kind[Any]] = {
    kind.kind: kind
    for kind in (
        FunctionKind(),
        RoleKind(),
        LogGroupKind(),
        PermissionKind(),
        LayerKind(),
        PackagesKind(),
        HttpApiKind(),
        BucketKind(),
        ContentKind(),
        NotificationKind(),
        TableKind(),
        QueueKind(),
        AdmissionKind(),
        TopicKind(),
        SubscriptionKind(),
        EventBusKind(),
        RuleKind(),
        PipeKind(),
        StateMachineKind(),
        StreamKind(),
        DeliveryStreamKind(),
        MappingKind(),
        DestinationKind(),
    )
}
