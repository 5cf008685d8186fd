"""S3's notifications: asks the policies of functions too, and says why one is not delivered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from serverless_cli.local.server import acting, engine
from serverless_cli.local.server.acting import Actor
from serverless_cli.local.server.context import Here

_ACTIONS = {"lambda": "lambda:InvokeFunction", "sqs": "sqs:SendMessage", "sns": "sns:Publish"}
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
_VERSION = "2.1"


def install(here: Here) -> None:
    """Check each delivery, and each configuration before it is accepted."""
    s3 = engine.Part("services.s3")
    for kind in _ACTIONS:
        name = f"_deliver_event_to_{kind}"
        s3[name] = _checked(here, kind, s3[name])
    validate = s3["_validate_notification_configs"]

    def validated(
        configs: Sequence[Mapping[str, Any]],
        bucket_region: str,
        bucket_name: str = "",
        skip_destination_validation: bool = False,
    ) -> Any:
        wrong = validate(configs, bucket_region, bucket_name, skip_destination_validation)
        if wrong is not None or skip_destination_validation:
            return wrong
        for config in configs:
            if config["type"] == "lambda" and not _allows(here, "lambda", config["arn"], bucket_name):
                return s3["_invalid_notification_config"](
                    f"Unable to validate the following destination configurations: {config['arn']}"
                )
        return None

    s3["_validate_notification_configs"] = validated


def _allows(here: Here, kind: str, arn: str, bucket: str) -> bool:
    owner = engine.Part("services.s3")["_bucket_owner_account"](bucket) or here.facts.account
    actor = Actor(f"bucket {bucket}", "s3.amazonaws.com", "", f"arn:aws:s3:::{bucket}", owner)
    try:
        acting.check_resource_policy(here, actor, _ACTIONS[kind], arn)
    except acting.ForbiddenError:
        return False
    return True


def _checked(here: Here, kind: str, deliver: Callable[..., None]) -> Callable[..., None]:
    def checked(arn: str, event_payload: Mapping[str, Any], bucket_region: str, **bucket_name: str) -> None:
        records = [{**record, "eventVersion": _VERSION} for record in event_payload.get("Records", [])]
        payload = {**event_payload, "Records": records} if records else event_payload
        bucket = records[0]["s3"]["bucket"]["name"] if records else event_payload.get("Bucket", "")
        if _allows(here, kind, arn, str(bucket)):
            deliver(arn, payload, bucket_region, **bucket_name)
            here.changed()

    return checked
