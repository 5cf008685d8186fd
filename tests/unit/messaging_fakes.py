"""DynamoDB, SQS and SNS with the states and refusals that emulators do not have, in fake time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aws_fakes import FakeClock, refused
from events_fakes import Service

from serverless_cli.aws.failure import Failure
from serverless_cli.aws.session import Calls
from serverless_cli.model import Place, Ref, Spec
from serverless_cli.resources.base import Here

PLACE = Place("shop", "dev", "eu-central-1", "123456789012")
HERE = "eu-central-1:123456789012"
CREATES_S, UPDATES_S, DELETES_S, BACKUPS_S, TAGS_S, TTL_S = 4.0, 4.0, 5.0, 2.0, 1.5, 3600.0
AWS_KEY = f"arn:aws:kms:{HERE}:key/aws"


def here(kind: str, name: str, wish: Spec | None = None, *, id: str = "hello", expected: bool = False) -> Here:
    return Here(Ref(kind, id), name, PLACE, wish=wish, expected=expected)


class Timed(Service):
    """A service whose clock the caller sleeps on. `once` are failures for the next call of an operation."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.aws = Calls(self, PLACE.region, self.clock)
        self.once: dict[str, Failure] = {}

    def send(self, operation: str, parameters: Any) -> dict[str, Any]:
        name = operation.partition(".")[2]
        if name in self.once:
            self.sent.append((operation, dict(parameters)))
            raise self.once.pop(name)
        return super().send(operation, parameters)

    def writes(self) -> list[str]:
        return [one for one in self.operations if not one.startswith(("Describe", "List", "Get"))]


class DynamoDb(Timed):
    """One table. It takes one change at a time, its tags and its backups some seconds, its time to live an hour."""

    def __init__(self) -> None:
        super().__init__()
        self.table: dict[str, Any] | None = None
        self.state, self.until, self.born = "", 0.0, 0.0
        self.tags: dict[str, str] = {}
        self.tagged, self.ttl_changed = -TAGS_S, -TTL_S
        self.ttl, self.recovery, self.streams = "", False, 0
        self.protected_until = 0.0

    def _now(self, change: Callable[[], None] | None = None) -> None:
        """Refuses while it is busy, and when it is gone."""
        if self.table and self.state == "DELETING" and self.clock.now() >= self.until:
            self.table = None
        if self.table is None:
            raise refused("ResourceNotFoundException", "Requested resource not found: Table: t not found")
        if self.clock.now() >= self.until:
            self.state = "ACTIVE"
        elif change:
            words = {"CREATING": "created", "UPDATING": "updated", "DELETING": "deleted"}
            text = f"Attempt to change a resource which is still in use: Table is being {words[self.state]}: t"
            raise refused("ResourceInUseException", text)
        if change:
            change()

    def _begin(self, state: str, seconds: float) -> None:
        self.state, self.until = state, self.clock.now() + seconds

    def CreateTable(self, TableName: str, Tags: Any, **settings: Any) -> dict[str, Any]:
        if self.table and not (self.state == "DELETING" and self.clock.now() >= self.until):
            raise refused("ResourceInUseException", f"Table already exists: {TableName}")
        arn = f"arn:aws:dynamodb:{HERE}:table/{TableName}"
        self.table = {"TableArn": arn, "AttributeDefinitions": [], **settings}
        self.tags = {one["Key"]: one["Value"] for one in Tags}
        self.ttl, self.recovery = "", False
        self._encrypt(**settings.pop("SSESpecification", {"Enabled": False}))
        if "StreamSpecification" in settings:
            self._stream(settings["StreamSpecification"])
        self._begin("CREATING", CREATES_S)
        self.born = self.until
        return {"TableDescription": self._shown()}

    def _shown(self) -> dict[str, Any]:
        assert self.table is not None
        return {**self.table, "TableStatus": self.state}

    def _stream(self, wanted: dict[str, Any]) -> None:
        assert self.table is not None
        self.streams += 1
        self.table["StreamSpecification"] = wanted
        self.table["LatestStreamArn"] = f"{self.table['TableArn']}/stream/{self.streams}"

    def _encrypt(self, Enabled: bool, KMSMasterKeyId: str = AWS_KEY, **_: object) -> None:
        assert self.table is not None
        self.table.pop("SSESpecification", None)
        self.table["SSEDescription"] = {
            "Status": "ENABLED" if Enabled else "DISABLED",
            "KMSMasterKeyArn": KMSMasterKeyId,
        }

    def DescribeTable(self, TableName: str) -> dict[str, Any]:
        self._now()
        return {"Table": self._shown()}

    def UpdateTable(self, TableName: str, **settings: Any) -> dict[str, Any]:
        self._now(lambda: self._update(**settings))
        self._begin("UPDATING", UPDATES_S)
        return {"TableDescription": self._shown()}

    def _update(self, **settings: Any) -> None:
        assert self.table is not None
        assert len(settings.keys() - {"AttributeDefinitions"}) == 1, "one change at a time"
        if wanted := settings.get("StreamSpecification"):
            is_on = bool(self.table.get("StreamSpecification"))
            if wanted["StreamEnabled"] and is_on:
                raise refused("ValidationException", "Table already has an enabled stream: TableName: t")
            if not wanted["StreamEnabled"] and not is_on:
                raise refused("ValidationException", "Table has no stream to disable: TableName: t")
            if wanted["StreamEnabled"]:
                self._stream(wanted)
            else:
                del self.table["StreamSpecification"]
        if "SSESpecification" in settings:
            self._encrypt(**settings["SSESpecification"])
        if "DeletionProtectionEnabled" in settings:
            self.table["DeletionProtectionEnabled"] = settings["DeletionProtectionEnabled"]
        if "GlobalSecondaryIndexUpdates" in settings:
            self._index(settings["GlobalSecondaryIndexUpdates"], settings.get("AttributeDefinitions", []))

    def _index(self, updates: list[dict[str, Any]], declared: list[dict[str, str]]) -> None:
        assert self.table is not None
        [update] = updates
        have = {one["IndexName"]: one for one in self.table.get("GlobalSecondaryIndexes", ())}
        if made := update.get("Create"):
            if made["IndexName"] in have:
                raise refused("ValidationException", "Attempting to create an index which already exists")
            assert {one["AttributeName"] for one in made["KeySchema"]} == {one["AttributeName"] for one in declared}
            have[made["IndexName"]] = made
            known = {one["AttributeName"]: one for one in (*declared, *self.table["AttributeDefinitions"])}
            self.table["AttributeDefinitions"] = list(known.values())
        else:
            del have[update["Delete"]["IndexName"]]
        self.table["GlobalSecondaryIndexes"] = list(have.values())

    def DeleteTable(self, TableName: str) -> dict[str, Any]:
        self._now(lambda: None)
        assert self.table is not None
        if self.table.get("DeletionProtectionEnabled") or self.clock.now() < self.protected_until:
            text = "Resource cannot be deleted as it is currently protected against deletion."
            raise refused("ValidationException", f"{text} Disable deletion protection first.")
        if self.clock.now() < self.tagged + TAGS_S:
            raise refused("ResourceInUseException", "Attempt to change a resource which is still in use")
        self._begin("DELETING", DELETES_S)
        return {}

    def TagResource(self, ResourceArn: str, Tags: Any) -> dict[str, Any]:
        if self.clock.now() < self.tagged + TAGS_S:
            raise refused("LimitExceededException", "Table tags are being updated")
        self.tagged = self.clock.now()
        self.tags |= {one["Key"]: one["Value"] for one in Tags}
        return {}

    def ListTagsOfResource(self, ResourceArn: str, **_: object) -> dict[str, Any]:
        self._now()
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()]}

    def UpdateTimeToLive(self, TableName: str, TimeToLiveSpecification: dict[str, Any]) -> dict[str, Any]:
        on = TimeToLiveSpecification["Enabled"]

        def change() -> None:
            if bool(self.ttl) == on:
                raise refused("ValidationException", f"TimeToLive is already {'enabled' if on else 'disabled'}")
            if self.clock.now() < self.ttl_changed + TTL_S:
                text = "Time to live has been modified multiple times within a fixed interval"
                raise refused("ValidationException", text)
            self.ttl = TimeToLiveSpecification["AttributeName"] if on else ""
            self.ttl_changed = self.clock.now()

        self._now(change)
        return {}

    def DescribeTimeToLive(self, TableName: str) -> dict[str, Any]:
        self._now()
        about = (
            {"TimeToLiveStatus": "ENABLING", "AttributeName": self.ttl}
            if self.ttl
            else {"TimeToLiveStatus": "DISABLED"}
        )
        return {"TimeToLiveDescription": about}

    def UpdateContinuousBackups(self, TableName: str, PointInTimeRecoverySpecification: Any) -> dict[str, Any]:
        if self.clock.now() < self.born + BACKUPS_S:
            text = "Backups are being enabled for the table: t. Please retry later"
            raise refused("ContinuousBackupsUnavailableException", text)
        self.recovery = PointInTimeRecoverySpecification["PointInTimeRecoveryEnabled"]
        return {}

    def DescribeContinuousBackups(self, TableName: str) -> dict[str, Any]:
        self._now()
        about = {"PointInTimeRecoveryStatus": "ENABLED" if self.recovery else "DISABLED"}
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": about}}

    def DescribeKey(self, KeyId: str) -> dict[str, Any]:
        return {"KeyMetadata": {"KeyManager": "AWS" if KeyId == AWS_KEY else "CUSTOMER"}}


class Sqs(Timed):
    """One queue that is found for a while after its end, and shows old attributes at every second look (for ever, and
    at every look, if it is `stuck`). `at` says what it is from a moment on."""

    def __init__(self) -> None:
        super().__init__()
        self.attributes: dict[str, str] | None = None
        self.old: dict[str, str] = {}
        self.tags: dict[str, str] | None = None
        self.changed, self.died, self.looks = -60.0, -60.0, 0
        self.dead_letters_from, self.stuck = 0.0, False
        self.at: dict[float, dict[str, str] | None] = {}

    def send(self, operation: str, parameters: Any) -> dict[str, Any]:
        for moment in [moment for moment in self.at if moment <= self.clock.now()]:
            self.attributes = self.at.pop(moment)
        return super().send(operation, parameters)

    def _gone(self) -> Failure:
        return refused("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")

    def CreateQueue(self, QueueName: str, Attributes: dict[str, str], tags: dict[str, str]) -> dict[str, Any]:
        if self.clock.now() < self.died + 60:
            text = "You must wait 60 seconds after deleting a queue before you can create another with the same name."
            raise refused("AWS.SimpleQueueService.QueueDeletedRecently", text)
        if "RedrivePolicy" in Attributes and self.clock.now() < self.dead_letters_from:
            raise refused("InvalidParameterValue", "Reason: Dead letter target does not exist.")
        if self.attributes is None:
            self.attributes, self.tags = dict(Attributes), dict(tags)
        elif any(self.attributes.get(key) != value for key, value in Attributes.items()):
            raise refused("QueueAlreadyExists", "A queue already exists with the same name and a different value")
        return {"QueueUrl": f"https://sqs/{QueueName}"}

    def GetQueueUrl(self, QueueName: str) -> dict[str, Any]:
        if self.attributes is None and self.clock.now() >= self.died + 20:
            raise self._gone()
        return {"QueueUrl": f"https://sqs/{QueueName}"}

    def GetQueueAttributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        if self.attributes is None:
            if self.clock.now() >= self.died + 20:
                raise self._gone()
            return {"Attributes": {}}
        self.looks += 1
        late = self.stuck or (self.clock.now() < self.changed + 10 and self.looks % 2 == 0)
        return {"Attributes": {**self.attributes, **(self.old if late else {})}}

    def ListQueueTags(self, QueueUrl: str) -> dict[str, Any]:
        if self.attributes is None:
            raise self._gone()
        return {"Tags": self.tags} if self.tags else {}

    def TagQueue(self, QueueUrl: str, Tags: dict[str, str]) -> dict[str, Any]:
        self.tags = {**(self.tags or {}), **Tags}
        return {}

    def SetQueueAttributes(self, QueueUrl: str, Attributes: dict[str, str]) -> dict[str, Any]:
        if self.attributes is None:
            raise self._gone()
        if Attributes.get("KmsMasterKeyId") and Attributes.get("SqsManagedSseEnabled") == "true":
            raise refused("InvalidAttributeName", "You can use one type of server-side encryption (SSE) at one time.")
        self.old = {key: value for key, value in self.attributes.items() if key in Attributes}
        kept = {key: value for key, value in Attributes.items() if value != ""}
        self.attributes = {key: value for key, value in self.attributes.items() if key not in Attributes} | kept
        self.changed = self.clock.now()
        return {}

    def DeleteQueue(self, QueueUrl: str) -> dict[str, Any]:
        if self.attributes is None:
            raise self._gone()
        self.attributes, self.died = None, self.clock.now()
        return {}


class Sns(Timed):
    """One topic and its subscriptions; ends that are asked for their consent give it by `confirm`."""

    def __init__(self, **attributes: str) -> None:
        super().__init__()
        self.attributes: dict[str, str] = attributes
        self.tags: dict[str, str] = {}
        self.subscriptions: list[dict[str, str]] = []
        self.details: dict[str, dict[str, str]] = {}

    def CreateTopic(self, Name: str, Attributes: dict[str, str], Tags: Any) -> dict[str, Any]:
        tags, arn = {one["Key"]: one["Value"] for one in Tags}, f"arn:aws:sns:{HERE}:{Name}"
        if self.attributes:
            if any(self.attributes.get(key) != value for key, value in Attributes.items()):
                text = "Invalid parameter: Attributes Reason: Topic already exists with different attributes"
                raise refused("InvalidParameter", text)
            if tags != self.tags:
                text = "Invalid parameter: Tags Reason: Topic already exists with different tags"
                raise refused("InvalidParameter", text)
        self.attributes, self.tags = {"TopicArn": arn, **Attributes, **self.attributes}, tags
        return {"TopicArn": arn}

    def GetTopicAttributes(self, TopicArn: str) -> dict[str, Any]:
        if not self.attributes:
            raise refused("NotFound", "Topic does not exist", 404)
        return {"Attributes": self.attributes}

    def ListTagsForResource(self, ResourceArn: str) -> dict[str, Any]:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()]}

    def SetTopicAttributes(self, TopicArn: str, AttributeName: str, AttributeValue: str) -> dict[str, Any]:
        if AttributeName == "Policy" and not json.loads(AttributeValue or "{}").get("Statement"):
            raise refused("InvalidParameter", "Invalid parameter: Policy Error: null")
        self.attributes[AttributeName] = AttributeValue
        return {}

    def Subscribe(self, TopicArn: str, Protocol: str, Endpoint: str, Attributes: dict[str, str]) -> dict[str, Any]:
        number = len(self.subscriptions) + 1
        arn = "PendingConfirmation" if Protocol in ("email", "https") else f"{TopicArn}:{number}"
        one = {"SubscriptionArn": arn, "TopicArn": TopicArn, "Protocol": Protocol, "Endpoint": Endpoint}
        self.subscriptions.append(one)
        self.details[Endpoint] = dict(Attributes)
        return {"SubscriptionArn": arn if arn.startswith("arn:") else "pending confirmation"}

    def confirm(self) -> None:
        for number, one in enumerate(self.subscriptions):
            one["SubscriptionArn"] = f"{one['TopicArn']}:{number + 1}"

    def ListSubscriptionsByTopic(self, TopicArn: str) -> dict[str, Any]:
        return {"Subscriptions": self.subscriptions}

    def _find(self, arn: str) -> dict[str, str]:
        if not arn.startswith("arn:"):
            raise refused("InvalidParameter", "a subscription that is pending confirmation")
        return next(one for one in self.subscriptions if one["SubscriptionArn"] == arn)

    def GetSubscriptionAttributes(self, SubscriptionArn: str) -> dict[str, Any]:
        return {"Attributes": self.details[self._find(SubscriptionArn)["Endpoint"]]}

    def TagResource(self, ResourceArn: str, Tags: Any) -> dict[str, Any]:
        self.tags |= {one["Key"]: one["Value"] for one in Tags}
        return {}

    def SetSubscriptionAttributes(
        self, SubscriptionArn: str, AttributeName: str, AttributeValue: str
    ) -> dict[str, Any]:
        self.details[self._find(SubscriptionArn)["Endpoint"]][AttributeName] = AttributeValue
        return {}

    def Unsubscribe(self, SubscriptionArn: str) -> dict[str, Any]:
        self.subscriptions.remove(self._find(SubscriptionArn))
        return {}
