"""Lambda functions, with the role that they run under and the log group that they write to.

AWS facts (Lambda developer guide; botocore's model; the tools that code against them):
- A role made a moment ago cannot be assumed yet: CreateFunction answers InvalidParameterValueException for seconds.
- A new function is Pending, an updated one InProgress; a second change meanwhile answers 409. So: configuration,
  wait, code, wait.
- `Function already exist` is the same code as `update in progress`; only the text tells them apart.
- What failed stays so until another update succeeds, and does not say whether configuration or code is to blame.
- UpdateFunctionConfiguration is a patch; an empty environment must be sent as empty `Variables`.
- Lambda would make the log group itself, without retention: the group comes first, and the role may not create one.
- CodeSha256 is the digest of the zip as uploaded: reproducible zips make code comparable.
- DeleteFunction takes the policy's statements along, not the event source mappings; it may linger before it is gone.
- Lambda lets the role of a new function decrypt its environment, by the role's id: another role of that name may not
  (terraform-provider-aws #6352, #9703), and only another function or another role's name changes that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from serverless_cli import withheld
from serverless_cli.aws.calls import Aws
from serverless_cli.errors import Problem, SlxError
from serverless_cli.keys import Doc, FileName, Folder, KeyPattern, LateOk, OneOf, Pattern, Range, SecretOk
from serverless_cli.model import Change, Found, Mark, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.names import NameRule, arn, role_arn, role_name
from serverless_cli.packaging import Package, check_folder, check_handler
from serverless_cli.records import dataclass
from serverless_cli.resources import access, bundles, function_states, trigger_checks, triggers
from serverless_cli.resources.base import Attribute, Declared, Here, Kind, Scope, Type, apart, marked
from serverless_cli.resources.function_states import READY_S, change
from serverless_cli.resources.ownership import attempt, belongs, claim
from serverless_cli.resources.triggers import DestinationKeys, TriggerKeys
from serverless_cli.secret import Secret
from serverless_cli.wiring import RETENTION_DAYS, Bundle, Logs, Runs, Statement, Wiring

RUNTIMES = ("python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "nodejs24.x", "nodejs22.x")
_ROLE_ARN = r"arn:[\w-]+:iam::\d{12}:role/\S+"
RESERVED = r"(?!AWS_(?!XRAY)|_HANDLER$|_X_AMZN|LAMBDA_)[A-Za-z][A-Za-z0-9_]+"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionKeys:
    """Code that runs when something calls it."""

    code: Annotated[Folder, Doc("The folder with the code, relative to the blueprint.")]
    handler: Annotated[
        str, Doc("module.function, called for each event."), Pattern(r"[^\s]{1,128}", "module.function")
    ] = "app.handler"
    runtime: Annotated[str, Doc("The language version that runs the code."), OneOf(RUNTIMES)] = "python3.13"
    memory_mb: Annotated[int, Doc("Memory in MB; CPU grows with it."), Range(128, 10240)] = 128
    timeout_s: Annotated[int, Doc("Seconds until a call is cut off."), Range(1, 900)] = 10
    architecture: Annotated[Literal["x86_64", "arm64"], Doc("The processor it runs on.")] = "x86_64"
    requirements: Annotated[
        FileName | tuple[str, ...] | None,
        Doc("Python packages that the code needs: a requirements file, or a list such as `[pillow==12.0.0]`."),
    ] = None
    layers: Annotated[
        tuple[str | bundles.LayerKeys, ...],
        Doc("What lies under /opt: the ARN of a layer's version, a folder, or `{code: FOLDER, requirements: …}`."),
        Range(0, 5),
    ] = ()
    environment: Annotated[
        Mapping[str, str],
        Doc("Environment variables; 4 KB in all."),
        KeyPattern(RESERVED, "letters, digits and _, at least two; AWS_* and LAMBDA_* are Lambda's own"),
        LateOk(),
        SecretOk(),
    ] = field(default_factory=dict)
    role: Annotated[
        str | None, Doc("A `role` of the blueprint, or a role's ARN; left out, one is made with just what is needed."),
        LateOk(),
    ] = None  # fmt: skip
    access: Annotated[
        Mapping[str, str | Mapping[str, str]],
        Doc("What the function may do with other resources: `{site: read}`, or part of them: `{site: {read: in/*}}`."),
    ] = field(default_factory=dict)
    triggers: Annotated[tuple[TriggerKeys, ...], Doc("What calls the function.")] = ()
    on_failure: Annotated[
        str | DestinationKeys | None, Doc("Where asynchronous calls are reported that failed for good.")
    ] = None
    on_success: Annotated[str | None, Doc("Where asynchronous calls are reported that succeeded.")] = None
    log_retention_days: Annotated[
        int | None, Doc("Days that logs are kept; null keeps them for ever."), OneOf(RETENTION_DAYS)
    ] = 14
    reserved_concurrency: Annotated[int | None, Doc("Calls at once that are set aside for it."), Range(0)] = None


@dataclass(frozen=True, slots=True)
class FunctionSpec(Spec):
    """`code` is empty until `prepare` has packed the bundle; only its digest is compared. `layers` are ARNs in order,
    `own_layers` the bundles behind those that slx makes, by id. `works` is false where Lambda could not make it, or not
    change it the last time."""

    role: str
    handler: str
    runtime: str
    memory_mb: int
    timeout_s: int
    architecture: str
    environment: Mapping[str, str] = field(metadata={"private": True})
    reserved_concurrency: int | None
    code: Package
    layers: tuple[str, ...] = ()
    bundle: Bundle = field(default_factory=Bundle, compare=False)
    own_layers: Mapping[str, Bundle] = field(default_factory=dict, compare=False)
    works: bool = True


def function_arn(place: Place, name: str) -> str:
    return arn(place, "lambda", f"function:{name}")


def log_group(_: Place, name: str) -> str:
    return f"/aws/lambda/{name}"


def _invoke(target: str) -> tuple[Statement, ...]:
    return (Statement(("lambda:InvokeFunction",), (target,)),)


class FunctionType(Type[FunctionKeys]):
    type_name = "function"
    doc = "Lambda function, its role and its log group."
    keys = FunctionKeys
    name_rule = NameRule(64, r"[a-zA-Z0-9-_]+", says="letters, digits, - and _")
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute("The function's name.", lambda _, name: name),
        "arn": Attribute("The function's ARN.", function_arn),
        "role_arn": Attribute("The ARN of the role that it runs under."),
        "log_group": Attribute("The name of its log group.", log_group),
    }
    grants: ClassVar = {"invoke": _invoke}

    def problems(self, it: Declared[FunctionKeys], scope: Scope) -> Iterable[Problem]:
        yield from apart(
            self._code_problems(it),
            self._size_problems(it),
            access.problems(it, scope),
            bundles.problems(it),
            trigger_checks.problems(it, scope),
            self._role_problems(it, scope),
        )

    def _code_problems(self, it: Declared[FunctionKeys]) -> Iterable[Problem]:
        folder = Path(it.keys.code)
        if found := check_folder(folder):
            yield replace(found, where=it.line("code"))
        elif found := check_handler(folder, it.keys.handler, it.keys.runtime):
            where = it.line("handler" if ("handler",) in it.at else "code")
            yield it.written(replace(found, where=found.where or where))

    def _size_problems(self, it: Declared[FunctionKeys]) -> Iterable[Problem]:
        size = sum(len(k.encode()) + len(v.encode()) for k, v in it.keys.environment.items())
        if size > 4096:
            yield Problem(
                f"the environment of {it.id} has {size} bytes",
                "Lambda takes 4096 at most, names and values together",
                "put large values into a file of the code or a parameter store",
                it.line("environment"),
            )

    def warnings(self, it: Declared[FunctionKeys], scope: Scope) -> Iterable[Problem]:
        yield from bundles.warnings(it)
        yield from trigger_checks.warnings(it, scope)

    def _role_problems(self, it: Declared[FunctionKeys], scope: Scope) -> Iterable[Problem]:
        role = it.keys.role
        if role and role.startswith("arn:") and not re.fullmatch(_ROLE_ARN, role):
            why = "wanted: arn:aws:iam::ACCOUNT:role/NAME, or the id of a `role` resource"
            yield Problem(f"`{role}` is no ARN of a role", why, where=it.line("role"))
        elif role and not role.startswith("arn:") and "${" not in role:
            named = scope.declared(role)
            if named is None or named.type != "role":
                yield Problem(
                    f"`role` names {role}, which is no role of this blueprint",
                    "it wants the id of a `role` resource, or a role's ARN",
                    where=it.line("role"),
                )

    def expand(self, it: Declared[FunctionKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        keys, ref, place = it.keys, Ref("function", it.id), scope.place
        needs = {Ref("log-group", it.id)}
        group = log_group(place, it.name)
        if keys.role is None:
            needs.add(Ref("role", it.id))
            role = role_arn(place, role_name(place, it.id))
        elif scope.declared(keys.role):
            needs.add(Ref("role", keys.role))
            role = scope.attribute(keys.role, "arn")
        else:
            role = keys.role
        layers, own = bundles.layers(it, place)
        spec = FunctionSpec(
            role, keys.handler, keys.runtime, keys.memory_mb, keys.timeout_s, keys.architecture,
            dict(keys.environment), keys.reserved_concurrency, Package("", 0, "", 0),
            layers, bundles.bundle(it, place), {one.id: one.bundle for one in own},
        )  # fmt: skip
        yield Resource(ref, it.name, spec, frozenset(needs), where=it.where, retain=it.retain)
        yield from own
        yield Logs(it.id, ref, group, keys.log_retention_days, it.line("log_retention_days"))
        if keys.role is None:
            streams = arn(place, "logs", f"log-group:{group}:*")
            writes = Statement(("logs:CreateLogStream", "logs:PutLogEvents"), (streams,), reason="writes its own log")
            yield Runs(it.id, ref, "lambda.amazonaws.com", (writes,), it.where)
            yield from access.grants(it, scope)
        yield from triggers.wire(it, scope)


class FunctionKind(Kind[FunctionSpec]):
    kind = "function"
    doc = "Lambda function"
    spec = FunctionSpec
    rank = 50
    after = frozenset({"mapping"})
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("lambda:GetFunction",),
        Verb.CREATE: ("lambda:CreateFunction", "lambda:TagResource", "lambda:GetFunction",
                      "lambda:PutFunctionConcurrency", "iam:PassRole", "lambda:UpdateFunctionConfiguration",
                      "lambda:UpdateFunctionCode", "lambda:DeleteFunctionConcurrency",
                      "lambda:GetFunctionConfiguration", "lambda:GetLayerVersion", "s3:GetObject"),
        Verb.UPDATE: ("lambda:UpdateFunctionConfiguration", "lambda:UpdateFunctionCode", "lambda:TagResource",
                      "lambda:GetFunction", "lambda:GetFunctionConfiguration", "lambda:PutFunctionConcurrency",
                      "lambda:DeleteFunctionConcurrency", "iam:PassRole", "lambda:GetLayerVersion", "s3:GetObject"),
        Verb.DELETE: ("lambda:DeleteFunction", "lambda:GetFunction", "lambda:ListEventSourceMappings",
                      "lambda:ListTags"),
        Verb.SEARCH: ("lambda:ListFunctions", "lambda:GetFunction", "lambda:ListTags"),
    }  # fmt: skip

    def prepare(self, spec: FunctionSpec) -> FunctionSpec:
        if not spec.bundle.folder:
            return spec
        return replace(spec, code=bundles.pack_function(spec.bundle, spec.own_layers))

    def preflight(self, aws: Aws, here: Here, spec: FunctionSpec) -> Iterable[Problem]:
        return bundles.preflight(here.place, spec.layers)

    def read(self, aws: Aws, here: Here) -> Observed | None:
        found = aws.find("lambda.GetFunction", FunctionName=here.name)
        if found is None:
            return None
        have: dict[str, Any] = found["Configuration"]
        spec = FunctionSpec(
            role=have["Role"],
            handler=have.get("Handler", ""),
            runtime=have.get("Runtime", ""),
            memory_mb=have.get("MemorySize", 128),
            timeout_s=have.get("Timeout", 3),
            architecture=(have.get("Architectures") or ["x86_64"])[0],
            environment=have.get("Environment", {}).get("Variables", {}),
            reserved_concurrency=found.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
            code=Package(have.get("CodeSha256", ""), have.get("CodeSize", 0), "", 0),
            layers=tuple(layer["Arn"] for layer in have.get("Layers") or ()),
            works=function_states.works(have),
        )
        note = "" if spec.works else function_states.why(have)
        return Observed(
            spec, {"arn": have["FunctionArn"], "role_arn": have["Role"]}, Mark.of(found.get("Tags") or {}), note
        )

    def create(self, aws: Aws, here: Here, spec: FunctionSpec) -> Outputs:
        made = attempt(
            aws,
            "lambda.CreateFunction",
            "ResourceConflictException",
            "already exist",
            FunctionName=here.name,
            Code=bundles.content(here.place, spec.code),
            Architectures=[spec.architecture],
            Tags=here.mark.tags,
            **_configuration(spec),
        )
        if made is None:
            found = claim(here, self.read(aws, here))
            if found is None:
                raise SlxError(
                    f"function {here.name} vanished while it was being made", hint="run the same command again"
                )
            return self._converge(aws, here, spec, found)
        if made.get("State") != "Active":
            function_states.ready(aws, here.name)
        if spec.reserved_concurrency is not None:
            _reserve(aws, here.name, spec.reserved_concurrency)
        return {"arn": made["FunctionArn"], "role_arn": spec.role}

    def _converge(self, aws: Aws, here: Here, spec: FunctionSpec, found: Observed) -> Outputs:
        """Brings a function that an earlier attempt left to the wish."""
        changes = [
            Change((name,), getattr(found.spec, name), getattr(spec, name))
            for name in (*_CONFIGURATION, *_CODE, "reserved_concurrency", "works")
            if getattr(found.spec, name) != getattr(spec, name)
        ]
        if found.mark is None:
            changes.append(Change(("mark",), None, here.mark))
        made = self.update(aws, here, spec, tuple(changes))
        function_states.ready(aws, here.name)  # it may still be made, whatever else there was to do
        return made

    def update(self, aws: Aws, here: Here, spec: FunctionSpec, changes: tuple[Change, ...]) -> Outputs:
        fields = {one.field for one in changes}
        if "mark" in fields:
            aws.call("lambda.TagResource", Resource=function_arn(here.place, here.name), Tags=here.mark.tags)
        if "reserved_concurrency" in fields:
            _reserve(aws, here.name, spec.reserved_concurrency)
        again = "works" in fields
        # No look before: it was just read, and what is under way all the same is refused with a 409 that passes.
        if again or fields & _CONFIGURATION:
            settings = _configuration(_keep_secrets(aws, here.name, spec))
            change(aws, "lambda.UpdateFunctionConfiguration", here.name, failing=again, **settings)
        if again or fields & _CODE:
            code = {**bundles.content(here.place, spec.code), "Architectures": [spec.architecture]}
            change(aws, "lambda.UpdateFunctionCode", here.name, **code)
        return {"arn": function_arn(here.place, here.name), "role_arn": spec.role}

    def delete(self, aws: Aws, here: Here) -> None:
        aws.remove("lambda.DeleteFunction", FunctionName=here.name)
        if here.again:
            aws.wait(
                f"function {here.name} to be gone",
                lambda: aws.find("lambda.GetFunction", FunctionName=here.name) is None or None,
                deadline_s=READY_S,
            )

    def loose_ends(self, aws: Aws, here: Here) -> Iterable[Problem]:
        """Mappings of others outlive the function, and fail from then on."""
        for one in aws.pages("lambda.ListEventSourceMappings", "EventSourceMappings", FunctionName=here.name):
            target = f"{one['FunctionArn'].partition(':function:')[0]}:event-source-mapping:{one['UUID']}"
            mark = Mark.of((aws.find("lambda.ListTags", Resource=target) or {}).get("Tags") or {})
            if not belongs(mark, here.place):
                yield Problem(
                    f"an event source mapping of somebody else's calls function {here.name}",
                    f"{one.get('EventSourceArn', 'its source')} is left without anybody who reads it",
                    f"aws lambda delete-event-source-mapping --uuid {one['UUID']}",
                )

    def outlived(self, name: str, spec: FunctionSpec, need: Ref) -> Iterable[Problem]:
        if need.kind == "role" and spec.environment:
            yield Problem(
                f"function {name} was made for a role that is gone",
                "Lambda may not let another role of that name decrypt its environment variables",
                f"if calls fail with KMSAccessDenied: aws lambda delete-function --function-name {name}, then `slx up`",
            )

    def hold(self, aws: Aws, here: Here, spec: FunctionSpec, changes: tuple[Change, ...], folder: Path) -> FunctionSpec:
        """An address that Lambda gives for a function's code is good for ten minutes only, and for the code of now."""
        if changes and not {one.field for one in changes} & (_CODE | {"works"}):
            return spec
        found = aws.find("lambda.GetFunction", FunctionName=here.name) or {}
        address = found.get("Code", {}).get("Location", "")
        held = bundles.hold(here.name, spec.code.sha256, address, folder)
        return replace(spec, code=held, works=True)  # nobody can wish for one that does not

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        prefix = f"{place.stack}-{place.stage}-" if place else ""
        every = (one["FunctionName"] for one in aws.pages("lambda.ListFunctions", "Functions"))
        names = (name for name in every if name.startswith(prefix))
        # GetFunction tells tags, too: AWS takes a hundred of it a second, not 15, and `exists` has asked it already.
        asked = marked(aws, names, lambda name: (aws.find("lambda.GetFunction", FunctionName=name) or {}).get("Tags"))
        for name, mark in asked:
            if mark and belongs(mark, place):
                yield Found(Ref("function", mark.id), name, mark)


_CONFIGURATION = frozenset({"role", "handler", "runtime", "memory_mb", "timeout_s", "environment", "layers"})
_CODE = frozenset({"code", "architecture"})


def _configuration(spec: FunctionSpec) -> dict[str, Any]:
    for key, value in spec.environment.items():
        if isinstance(value, Secret) and not value.known:  # somebody took it away since the plan was made
            why = "it comes from a secret parameter, and secrets are never stored"
            raise SlxError(f"the environment variable {key} has no value", why, withheld.how(value.missing))
    return {
        "Role": spec.role,
        "Handler": spec.handler,
        "Runtime": spec.runtime,
        "MemorySize": spec.memory_mb,
        "Timeout": spec.timeout_s,
        "Layers": list(spec.layers),
        "Environment": {"Variables": {key: str.__str__(value) for key, value in spec.environment.items()}},
    }


def _keep_secrets(aws: Aws, name: str, spec: FunctionSpec) -> FunctionSpec:
    """Secrets that were not given this time stay as they are: the call would otherwise drop them."""
    if not any(isinstance(value, Secret) and not value.known for value in spec.environment.values()):
        return spec
    found = aws.call("lambda.GetFunctionConfiguration", FunctionName=name)
    have = found.get("Environment", {}).get("Variables", {})
    kept = {
        key: Secret(have[key]) if isinstance(value, Secret) and not value.known and key in have else value
        for key, value in spec.environment.items()
    }
    return replace(spec, environment=kept)


def _reserve(aws: Aws, name: str, reserved: int | None) -> None:
    if reserved is None:
        aws.remove("lambda.DeleteFunctionConcurrency", FunctionName=name)
    else:
        aws.call("lambda.PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=reserved)
