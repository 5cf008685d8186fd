"""What moto lacks, in one place: completed here by a named fake, or left to the strict proxy or the local target."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import moto_events
import moto_messaging
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from serverless_cli.aws.clients import Clients
from serverless_cli.aws.failure import Failure, Nature
from serverless_cli.aws.session import Send


@dataclass(frozen=True, slots=True)
class Gap:
    """An operation that moto answers otherwise than AWS; `covered` says where it is tested instead."""

    operation: str
    lacks: str
    covered: str


COMPLETED = "conformance, by CompletedMoto"
STRICT = "tests/faults"

GAPS = (
    Gap("s3.CreateBucket", "keeps no tags that are given at create", COMPLETED),
    Gap("s3.CreateBucket", "leaves Block Public Access off; AWS switches all of it on (since April 2023)", COMPLETED),
    Gap("s3.CreateBucket", "answers 200 to a second one with tags in us-east-1; AWS answers 409", STRICT),
    Gap("apigatewayv2.UpdateStage", "is not implemented", COMPLETED),
    Gap("s3.PutBucketOwnershipControls", "switches ACLs off although the ACL lets others in", COMPLETED),
    Gap("s3.PutObject", "takes ACLs although ownership or Block Public Access forbid them", STRICT),
    Gap("lambda.CreateFunction", "is never Pending, and any role can be assumed at once", STRICT),
    Gap("lambda.UpdateFunctionCode", "is never InProgress", STRICT),
    Gap("lambda.UpdateFunctionCode", "does not change the architecture", COMPLETED),
    Gap("lambda.GetFunction", "shows a reserved concurrency of 0 as none", "unit/test_resources_function.py"),
    Gap("lambda.AddPermission", "takes a statement id twice", COMPLETED),
    Gap("lambda.AddPermission", "loses no statement when two are added at once", STRICT),
    Gap("apigatewayv2.*", "never answers ConflictException", STRICT),
    Gap("iam.GetRole", "shows a new role at once", STRICT),
    Gap("lambda.PutFunctionEventInvokeConfig", "a second one has no effect", COMPLETED),
    Gap("stepfunctions.ValidateStateMachineDefinition", "is not implemented", "unit/test_state_machine.py"),
    Gap("stepfunctions.CreateStateMachine", "answers 200 to another definition", "unit/test_state_machine.py"),
    *(Gap(*one) for one in (*moto_events.GAPS, *moto_messaging.GAPS)),
)


class CompletedMoto:
    """A transport to moto that does what moto lacks, so that the kinds see AWS's behaviour."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients

    def send(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        region = self.clients.region
        parameters = moto_messaging.remember(region, operation, parameters)
        refusal = self._refusal(operation, parameters) or moto_messaging.refusal(region, operation, parameters)
        if refusal:
            raise refusal
        if operation == "apigatewayv2.UpdateStage":
            return self._update_stage(parameters)
        with moto_events.completed(self.clients.region, operation, parameters):
            answer = self.clients.send(operation, parameters)
        if operation == "lambda.PutFunctionEventInvokeConfig":
            del self._backend("lambda").get_function(parameters["FunctionName"]).event_invoke_config[:-1]
        moto_messaging.complete(region, operation, parameters, answer)
        if operation == "s3.CreateBucket":
            self._complete_bucket(parameters)
        if operation == "lambda.UpdateFunctionCode" and "Architectures" in parameters:
            function = self._backend("lambda").get_function(parameters["FunctionName"])
            function.architectures = parameters["Architectures"]
        return answer

    def pages(self, operation: str, parameters: Mapping[str, Any], call: Send) -> Iterable[dict[str, Any]]:
        return self.clients.pages(operation, parameters, call)

    def _backend(self, service: str) -> Any:
        return get_backend(service)[DEFAULT_ACCOUNT_ID][self.clients.region]

    def _refusal(self, operation: str, parameters: Mapping[str, Any]) -> Failure | None:
        if operation == "lambda.AddPermission" and self._has_statement(**parameters):
            text = f"The statement id ({parameters['StatementId']}) provided already exists."
            return Failure(operation, Nature.REFUSED, "ResourceConflictException", text, 409)
        if operation == "s3.PutBucketOwnershipControls" and self._lets_others_in(parameters):
            text = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
            return Failure(operation, Nature.REFUSED, "InvalidBucketAclWithObjectOwnership", text, 400)
        return moto_events.refusal(self.clients.region, operation, parameters)

    def _has_statement(self, FunctionName: str, StatementId: str, **_: object) -> bool:
        try:
            found = self.clients.send("lambda.GetPolicy", {"FunctionName": FunctionName})
        except Failure:
            return False
        return StatementId in {one["Sid"] for one in json.loads(found["Policy"])["Statement"]}

    def _lets_others_in(self, parameters: Mapping[str, Any]) -> bool:
        enforced = {"ObjectOwnership": "BucketOwnerEnforced"} in parameters["OwnershipControls"]["Rules"]
        grants = self.clients.send("s3.GetBucketAcl", {"Bucket": parameters["Bucket"]})["Grants"]
        return enforced and any("URI" in one["Grantee"] for one in grants)

    def _complete_bucket(self, parameters: Mapping[str, Any]) -> None:
        bucket, flags = parameters["Bucket"], ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls")
        blocked = dict.fromkeys((*flags, "RestrictPublicBuckets"), True)
        self.clients.send("s3.PutPublicAccessBlock", {"Bucket": bucket, "PublicAccessBlockConfiguration": blocked})
        if tags := parameters.get("CreateBucketConfiguration", {}).get("Tags"):
            self.clients.send("s3.PutBucketTagging", {"Bucket": bucket, "Tagging": {"TagSet": tags}})

    def _update_stage(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        stage = self._backend("apigatewayv2").get_stage(parameters["ApiId"], parameters["StageName"])
        stage.auto_deploy = parameters["AutoDeploy"]
        return {"StageName": parameters["StageName"], "AutoDeploy": parameters["AutoDeploy"]}
