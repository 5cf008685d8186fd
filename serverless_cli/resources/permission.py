"""Invoke permissions: one statement in a function's policy for each caller. Wiring; nobody writes it as a type.

AWS facts (Lambda developer guide; botocore's model):
- A statement cannot be changed, only removed and added; the same id again answers 409 ResourceConflictException.
- Adding two statements to one function at once can lose one without any error: one at a time for each function.
- The statements go with the function when it is deleted. All of them have 20 KB; what is more is refused.
- The ARN of a bucket names no account: whoever takes its name after it was deleted would be let in, so the account is
  named beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from serverless_cli.aws.calls import Aws, Passing
from serverless_cli.errors import AwsError
from serverless_cli.model import Change, Found, Late, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.names import digest
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Here, Kind, Scope, Weaver
from serverless_cli.resources.ownership import attempt
from serverless_cli.wiring import Invokes, Wiring

PREFIX = "slx-"
BUCKETS = "s3.amazonaws.com"


@dataclass(frozen=True, slots=True)
class PermissionSpec(Spec):
    """`principal` (a service) may invoke the function when it acts for `source_arn`; `source_account` is empty where
    that ARN names the account itself."""

    function: str
    principal: str
    source_arn: str
    source_account: str = ""


class PermissionWeaver(Weaver[Invokes]):
    """The statement for each caller of a function."""

    takes = Invokes

    def weave(self, wiring: tuple[Invokes, ...], every: tuple[Wiring, ...], scope: Scope) -> Iterable[Resource]:
        for one in wiring:
            function = scope.declared(one.function)
            if function is None or function.existing:
                continue
            statement = f"{PREFIX}{one.by}-{digest(one.topic)}"
            needs = one.source_arn.needs if isinstance(one.source_arn, Late) else frozenset[Ref]()
            inside = Ref("function", one.function)
            topic = f".{digest(one.topic)}" if one.topic else ""
            account = scope.place.account if one.principal == BUCKETS else ""
            yield Resource(
                Ref("permission", f"{one.by}.{one.function}{topic}"),
                f"{function.name}/{statement}",
                PermissionSpec(function.name, one.principal, one.source_arn, account),
                needs=needs | {inside},
                inside=inside,
                where=one.where,
            )


class PermissionKind(Kind[PermissionSpec]):
    kind = "permission"
    doc = "invoke permission"
    spec = PermissionSpec
    create_only = frozenset({"function"})
    marked = False
    needs_only_ready = frozenset({"http-api"})  # of which its id is all that is said
    rank = 30
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("lambda:GetPolicy",),
        Verb.CREATE: ("lambda:AddPermission", "lambda:RemovePermission", "lambda:GetPolicy"),
        Verb.UPDATE: ("lambda:AddPermission", "lambda:RemovePermission", "lambda:GetPolicy"),
        Verb.DELETE: ("lambda:RemovePermission",),
        Verb.SEARCH: (),
    }

    def read(self, aws: Aws, here: Here) -> Observed | None:
        function, _, statement = here.name.partition("/")
        for one in _statements(aws, function):
            if one.get("Sid") == statement:
                return Observed(_spec(function, one))
        return None

    def create(self, aws: Aws, here: Here, spec: PermissionSpec) -> Outputs:
        try:
            added = self._add(aws, here, spec)
        except AwsError as error:
            if error.code != "PolicyLengthExceededException" or not _make_room(aws, here, spec):
                raise
            added = self._add(aws, here, spec)
        if not added:
            # The id is ours by its form; after a lost answer the statement is there and right.
            found = self.read(aws, here)
            if found is None or found.spec != spec:
                self.delete(aws, here)
                self._add(aws, here, spec)
        return {}

    def _add(self, aws: Aws, here: Here, spec: PermissionSpec) -> bool:
        account = {"SourceAccount": spec.source_account} if spec.source_account else {}
        added = attempt(
            aws,
            "lambda.AddPermission",
            "ResourceConflictException",
            "already exist",
            passing=(Passing("ResourceNotFoundException"),),
            FunctionName=spec.function,
            StatementId=here.name.partition("/")[2],
            Action="lambda:InvokeFunction",
            Principal=spec.principal,
            SourceArn=spec.source_arn,
            **account,
        )
        return added is not None

    def update(self, aws: Aws, here: Here, spec: PermissionSpec, changes: tuple[Change, ...]) -> Outputs:
        self.delete(aws, here)
        return self.create(aws, here, spec)

    def delete(self, aws: Aws, here: Here) -> None:
        function, _, statement = here.name.partition("/")
        aws.remove("lambda.RemovePermission", FunctionName=function, StatementId=statement)

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        """Statements go with their function; what is left in one that stays is seen when that function is read."""
        return iter(())

    def lane(self, here: Here) -> str:
        return f"policy of {here.name.partition('/')[0]}"


def _statements(aws: Aws, function: str) -> list[dict[str, Any]]:
    found = aws.find("lambda.GetPolicy", FunctionName=function)
    return json.loads(found["Policy"])["Statement"] if found else []


def _make_room(aws: Aws, here: Here, spec: PermissionSpec) -> bool:
    """Removes a statement of ours that the new one includes, in a policy that has no room for both; whether there is
    one. Others that it includes are only removed once it is there."""
    function, _, statement = here.name.partition("/")
    whole = spec.source_arn.removesuffix("*")
    for one in _statements(aws, function):
        id, have = str(one.get("Sid", "")), _spec(function, one)
        included = have.principal == spec.principal and whole != spec.source_arn and have.source_arn.startswith(whole)
        if included and id.startswith(PREFIX) and id != statement:
            aws.remove("lambda.RemovePermission", FunctionName=function, StatementId=id)
            return True
    return False


def _spec(function: str, one: Mapping[str, Any]) -> PermissionSpec:
    principal = one.get("Principal") or {}
    service = principal.get("Service", json.dumps(principal)) if isinstance(principal, dict) else str(principal)
    tests = (one.get("Condition") or {}).values()
    found = {key.lower(): value for test in tests for key, value in test.items()}
    return PermissionSpec(function, service, found.get("aws:sourcearn", ""), found.get("aws:sourceaccount", ""))
