"""IAM roles: the execution role of a function, and any other role that AWS services work under.

AWS facts (IAM user guide, reference_iam-quotas; botocore's model):
- Names are unique in the whole account whatever their case, so a short hash of the region is part of them;
  tags can be given at create; the path cannot be changed.
- IAM is eventually consistent: a policy call right after CreateRole may answer NoSuchEntity, and services refuse
  to assume a new role for some seconds; that wait belongs to the service that is given the role.
- All inline policies of a role may have 10,240 characters together, white space not counted; a managed policy 6,144.
- DeleteRole refuses while policies are attached or inline, and for a moment after they were removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, ClassVar

from serverless_cli import policy
from serverless_cli.aws.calls import Aws, Passing
from serverless_cli.errors import Problem
from serverless_cli.keys import Doc, LateOk, Pattern, Range
from serverless_cli.model import Change, Found, Mark, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.names import ROLE_NAME, role_arn, role_name, role_path
from serverless_cli.records import dataclass
from serverless_cli.resources import customer_keys
from serverless_cli.resources.base import Attribute, Declared, Here, Kind, Scope, Type, Weaver, marked, together
from serverless_cli.resources.ownership import attempt, claim
from serverless_cli.wiring import Grant, Runs, Statement, Wiring

INLINE = "slx"
"""The one inline policy of a role that is slx's; others on the role are left alone."""

POLICY_LIMIT = 10_240
FRESH = Passing("NoSuchEntity")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementKeys:
    """One thing that the role may do."""

    actions: Annotated[
        tuple[Annotated[str, Pattern(r"[a-z0-9-]+:[A-Za-z*?]+", "service:Action")], ...],
        Doc("IAM actions, such as `dynamodb:GetItem`."),
        Range(1),
    ]
    resources: Annotated[tuple[str, ...], Doc("ARNs; `${table.arn}` names one of the blueprint."), LateOk(), Range(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleKeys:
    """An execution role of its own, to be named in `role:` of a function."""

    trust: Annotated[
        tuple[
            Annotated[str, Pattern(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?", "a service such as lambda.amazonaws.com")],
            ...,
        ],
        Doc("The services that may work under the role."),
        Range(1),
    ] = ("lambda.amazonaws.com",)
    policies: Annotated[
        tuple[str, ...], Doc("Managed policies to attach: ARNs, or names of AWS's own."), LateOk(), Range(0, 10)
    ] = ()
    statements: Annotated[tuple[StatementKeys, ...], Doc("What the role may do beside its managed policies.")] = ()


@dataclass(frozen=True, slots=True)
class RoleSpec(Spec):
    """`statements` are tidy, in whatever form a policy, or the record of an earlier version, has them; they are in
    order again once ARNs that AWS hands out are filled in."""

    path: str
    trust: tuple[str, ...]
    statements: tuple[Statement, ...] = ()
    policies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "statements", policy.tidy(self.statements))


class RoleType(Type[RoleKeys]):
    type_name = "role"
    doc = "IAM role: what a function or service may do."
    keys = RoleKeys
    name_rule = ROLE_NAME
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute("The role's name.", lambda _, name: name),
        "arn": Attribute("The role's ARN.", role_arn, ours=True),
    }

    def problems(self, it: Declared[RoleKeys], scope: Scope) -> Iterable[Problem]:
        hint = (
            "name what is alike by a wildcard (`table/shop-*`), or put some of it into managed policies (`policies:`)"
        )
        for problem in _too_large(it.id, policy.tidy(_own(it)), hint):
            yield replace(problem, where=it.line("statements"))

    def expand(self, it: Declared[RoleKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        policies = tuple(sorted(_managed(scope.place, name) for name in it.keys.policies))
        spec = RoleSpec(role_path(scope.place), tuple(sorted(it.keys.trust)), _own(it), policies)
        yield Resource(Ref("role", it.id), it.name, spec, where=it.where, retain=it.retain)


class RoleWeaver(Weaver[Runs]):
    """One role for each resource that runs under one, with exactly the statements that its wiring asks for, and what
    these take of the keys that things are encrypted with."""

    takes = Runs

    def weave(self, wiring: tuple[Runs, ...], every: tuple[Wiring, ...], scope: Scope) -> Iterable[Resource]:
        granted: dict[str, list[Statement]] = {}
        for one in every:
            if isinstance(one, Grant):
                granted.setdefault(one.owner, []).append(one.statement)
        for run in wiring:
            asked = (*run.statements, *granted.get(run.owner, ()))
            statements = (*asked, *customer_keys.statements(asked, scope))
            spec = RoleSpec(role_path(scope.place), (run.service,), statements)
            yield Resource(Ref("role", run.owner), role_name(scope.place, run.owner), spec, where=run.where)

    def flaws(self, woven: Resource) -> Iterable[Problem]:
        assert isinstance(woven.spec, RoleSpec)
        hint = "divide what it does, or give it a `role` with `policies:` (ARNs of managed policies)"
        yield from _too_large(woven.ref.root, woven.spec.statements, hint)


class RoleKind(Kind[RoleSpec]):
    kind = "role"
    doc = "IAM role"
    spec = RoleSpec
    create_only = frozenset({"path"})
    rank = 80
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"),
        Verb.CREATE: ("iam:CreateRole", "iam:TagRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:GetRole",
                      "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies",
                      "iam:UpdateAssumeRolePolicy",
                      "iam:DeleteRolePolicy", "iam:DetachRolePolicy"),
        Verb.UPDATE: ("iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:TagRole",
                      "iam:AttachRolePolicy", "iam:DetachRolePolicy"),
        Verb.DELETE: ("iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:DetachRolePolicy",
                      "iam:DeleteRolePolicy", "iam:DeleteRole", "iam:ListInstanceProfilesForRole"),
        Verb.SEARCH: ("iam:ListRoles", "iam:GetRole"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        found, inline, attached, within = together(
            aws,
            (
                lambda: aws.find("iam.GetRole", RoleName=here.name),
                lambda: aws.find("iam.GetRolePolicy", RoleName=here.name, PolicyName=INLINE),
                lambda: list(aws.pages("iam.ListAttachedRolePolicies", "AttachedPolicies", RoleName=here.name)),
                lambda: list(aws.pages("iam.ListRolePolicies", "PolicyNames", RoleName=here.name)),
            ),
        )
        if found is None:
            return None
        role: dict[str, Any] = found["Role"]
        ours = {arn for spec in (here.wish, here.recorded) if isinstance(spec, RoleSpec) for arn in spec.policies}
        ours.update(here.traces)
        arns = {one["PolicyArn"] for one in attached}
        spec = RoleSpec(
            path=role["Path"],
            trust=policy.trusted_services(role["AssumeRolePolicyDocument"]),
            statements=policy.read(inline["PolicyDocument"]) if inline else (),
            policies=tuple(sorted(arns & ours)),
        )
        more = [*sorted(arns - ours), *(f"the inline policy {one}" for one in sorted(set(within) - {INLINE}))]
        note = f"also has {', '.join(more)}" if more else ""
        return Observed(spec, {"arn": role["Arn"]}, Mark.of(_tags(role.get("Tags"))), note)

    def traces(self, spec: RoleSpec, recorded: RoleSpec | None) -> Iterable[str]:
        return sorted(set(spec.policies) - set(recorded.policies if recorded else ()))

    def exists(self, aws: Aws, here: Here) -> Observed | None:
        found = self._found(aws, here.name)
        return Observed(RoleSpec("", (), ()), mark=Mark.of(_tags(found.get("Tags")))) if found else None

    def _found(self, aws: Aws, name: str) -> Mapping[str, Any]:
        """What GetRole says; empty where there is no such role."""
        found: Mapping[str, Any] = (aws.find("iam.GetRole", RoleName=name) or {}).get("Role", {})
        return found

    def create(self, aws: Aws, here: Here, spec: RoleSpec) -> Outputs:
        made = attempt(
            aws,
            "iam.CreateRole",
            "EntityAlreadyExists",
            RoleName=here.name,
            Path=spec.path,
            AssumeRolePolicyDocument=policy.trust_document(spec.trust),
            Tags=here.mark.pairs,
        )
        if made is None:
            found = claim(here, self.read(aws, here))
            if found is not None:
                return self._converge(aws, here, spec, found)
            made = aws.call("iam.GetRole", passing=(FRESH,), RoleName=here.name)
        calls: list[Callable[[], object]] = [partial(_attach, aws, here.name, arn) for arn in spec.policies]
        if spec.statements:
            calls.append(lambda: _put(aws, here.name, spec.statements))
        together(aws, calls)
        return {"arn": made["Role"]["Arn"]}

    def _converge(self, aws: Aws, here: Here, spec: RoleSpec, found: Observed) -> Outputs:
        """Brings a role that an earlier attempt left to the wish, whatever it got to."""
        assert isinstance(found.spec, RoleSpec)
        fields = ("trust", "statements", "policies")
        differing = [name for name in fields if getattr(found.spec, name) != getattr(spec, name)]
        changes = [Change((name,), getattr(found.spec, name), getattr(spec, name)) for name in differing]
        if found.mark is None:
            changes.append(Change(("mark",), None, here.mark))
        return self.update(aws, here, spec, tuple(changes)) if changes else found.outputs

    def update(self, aws: Aws, here: Here, spec: RoleSpec, changes: tuple[Change, ...]) -> Outputs:
        fields = {change.field for change in changes}
        if "mark" in fields:
            aws.call("iam.TagRole", RoleName=here.name, Tags=here.mark.pairs)
        if "trust" in fields:
            aws.call(
                "iam.UpdateAssumeRolePolicy",
                RoleName=here.name,
                PolicyDocument=policy.trust_document(spec.trust),
            )
        if "statements" in fields and spec.statements:
            _put(aws, here.name, spec.statements)
        elif "statements" in fields:
            aws.remove("iam.DeleteRolePolicy", RoleName=here.name, PolicyName=INLINE)
        for change in changes:
            if change.field == "policies":
                self._reattach(aws, here.name, change)
        return {"arn": role_arn(here.place, here.name)}

    def _reattach(self, aws: Aws, name: str, change: Change) -> None:
        before, after = _arns(change.before), _arns(change.after)
        for arn in sorted(after - before):
            _attach(aws, name, arn)
        for arn in sorted(before - after):
            aws.remove("iam.DetachRolePolicy", RoleName=name, PolicyArn=arn)

    def delete(self, aws: Aws, here: Here) -> None:
        known = here.recorded if isinstance(here.recorded, RoleSpec) else None
        policies, inline = (known.policies, (INLINE,) if known.statements else ()) if known else ((), ())
        # What others put on it is listed meanwhile.
        there, within, *_ = together(
            aws,
            (
                lambda: list(aws.pages("iam.ListAttachedRolePolicies", "AttachedPolicies", RoleName=here.name)),
                lambda: list(aws.pages("iam.ListRolePolicies", "PolicyNames", RoleName=here.name)),
                *_strip(aws, here.name, policies, inline),
            ),
        )
        more = {one["PolicyArn"] for one in there} - set(policies)
        together(aws, _strip(aws, here.name, sorted(more), sorted(set(within) - set(inline))))
        aws.remove("iam.DeleteRole", passing=(Passing("DeleteConflict"),), RoleName=here.name)

    def hindrances(self, aws: Aws, here: Here) -> Iterable[Problem]:
        for one in aws.pages("iam.ListInstanceProfilesForRole", "InstanceProfiles", RoleName=here.name):
            profile = one["InstanceProfileName"]
            yield Problem(
                f"role {here.name} is in the instance profile {profile}",
                "IAM deletes no role that is in one, and slx did not put it there",
                f"aws iam remove-role-from-instance-profile --instance-profile-name {profile} --role-name {here.name}",
            )

    def loose_ends(self, aws: Aws, here: Here) -> Iterable[Problem]:
        """Managed policies only come off the role; an inline one exists nowhere else."""
        for name in aws.pages("iam.ListRolePolicies", "PolicyNames", RoleName=here.name):
            if name != INLINE:
                yield Problem(
                    f"the inline policy {name} goes with role {here.name}",
                    "it was put there by hand, and exists nowhere else",
                    f"aws iam get-role-policy --role-name {here.name} --policy-name {name} shows it",
                )

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        path = role_path(place) if place else "/slx/"
        roles = aws.pages("iam.ListRoles", "Roles", PathPrefix=path)
        for role, mark in marked(aws, roles, lambda role: _tags(self._found(aws, role["RoleName"]).get("Tags"))):
            ref = Ref("role", mark.id if mark else role["RoleName"])
            yield Found(ref, role["RoleName"], mark, {"arn": role["Arn"]}, role.get("CreateDate"))


def _own(it: Declared[RoleKeys]) -> tuple[Statement, ...]:
    return tuple(Statement(one.actions, one.resources, reason=f"statement of {it.id}") for one in it.keys.statements)


def _too_large(id: str, statements: tuple[Statement, ...], hint: str) -> Iterator[Problem]:
    """Seen before any call, but for what ARNs come to that AWS hands out."""
    size = len(policy.document(statements))
    if size > POLICY_LIMIT:
        yield Problem(
            f"what {id} may do takes a policy of {size:,} characters", f"IAM takes {POLICY_LIMIT:,} at most", hint
        )


def _managed(place: Place, name: str) -> str:
    """A managed policy's ARN: AWS's own may be given by name."""
    return name if name.startswith("arn:") else f"arn:{place.partition}:iam::aws:policy/{name}"


def _tags(pairs: list[dict[str, str]] | None) -> dict[str, str]:
    return {pair["Key"]: pair.get("Value", "") for pair in pairs or ()}


def _arns(value: object) -> set[str]:
    return set(value) if isinstance(value, tuple) else set()


def _put(aws: Aws, name: str, statements: tuple[Statement, ...]) -> None:
    aws.call(
        "iam.PutRolePolicy",
        passing=(FRESH,),
        RoleName=name,
        PolicyName=INLINE,
        PolicyDocument=policy.document(statements),
    )


def _attach(aws: Aws, name: str, arn: str) -> None:
    aws.call("iam.AttachRolePolicy", RoleName=name, PolicyArn=arn)


def _strip(aws: Aws, name: str, policies: Iterable[str], inline: Iterable[str]) -> Iterator[Callable[[], object]]:
    """The calls that take these policies off a role; those that are not there are no error."""
    for arn in policies:
        yield partial(aws.remove, "iam.DetachRolePolicy", RoleName=name, PolicyArn=arn)
    for one in inline:
        yield partial(aws.remove, "iam.DeleteRolePolicy", RoleName=name, PolicyName=one)
