"""What a definition calls: for each call the actions and the ARN that the machine's role must be allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from serverless_cli.asl.needs import needs
from serverless_cli.asl.states import DISTRIBUTED
from serverless_cli.asl.targets import FUNCTION, Pattern, target
from serverless_cli.asl.values import Need, Parameters, World
from serverless_cli.finding import Path
from serverless_cli.model import Place
from serverless_cli.records import dataclass

_NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a state makes, or one of the permissions that it takes.

    `resource` None: it cannot be told from the definition, and `why` says why; `path` is then the field to blame.
    `*` with a `why`: slx does not know the service, and cannot say less.
    """

    path: Path
    state: str
    service: str
    api: str
    pattern: Pattern
    actions: tuple[str, ...]
    resource: str | None
    why: str = ""


def calls(definition: Any, place: Place, name: str, aliases: Mapping[str, str] = _NONE) -> tuple[Call, ...]:
    """Every call of a sound definition of the machine `name`. `aliases` are ARNs behind texts that stand for what AWS
    hands out later, such as a queue's URL."""
    world = World(place, name, aliases)
    return tuple(call for path, state, found in _states(definition, ()) for call in _called(world, path, state, found))


def _states(machine: Any, path: Path) -> Iterator[tuple[Path, str, Mapping[str, Any]]]:
    """All states with their paths and names, those inside of others after these."""
    states = machine.get("States") if isinstance(machine, dict) else None
    for name, state in (states if isinstance(states, dict) else {}).items():
        if not isinstance(state, dict):
            continue
        here = (*path, "States", name)
        yield here, name, state
        for field in ("ItemProcessor", "Iterator"):
            yield from _states(state.get(field), (*here, field))
        branches = state.get("Branches")
        for index, branch in enumerate(branches if isinstance(branches, list) else ()):
            yield from _states(branch, (*here, "Branches", index))


def _called(world: World, path: Path, name: str, state: Mapping[str, Any]) -> Iterator[Call]:
    if state.get("Type") == "Task":
        yield from _task(world, path, name, state)
    elif state.get("Type") == "Map":
        yield from _map(world, path, name, state)


def _task(world: World, path: Path, name: str, state: Mapping[str, Any]) -> Iterator[Call]:
    resource = state.get("Resource")
    if "Credentials" in state:
        # The call itself is made under the other role.
        given = Parameters(world, (*path, "Credentials"), state["Credentials"]
                           if isinstance(state["Credentials"], dict) else {})  # fmt: skip
        role, actions = given.text("RoleArn"), ("sts:AssumeRole",)
        need = Need(actions, role) if role else given.unknown(actions, "RoleArn")
        yield from _calls(path, name, ("sts", "assumeRole", Pattern.REQUEST), (need,))
    elif isinstance(resource, str) and FUNCTION.fullmatch(resource):
        need = Need(("lambda:InvokeFunction",), resource)
        yield from _calls(path, name, ("lambda", "invoke", Pattern.REQUEST), (need,))
    elif (found := target(resource)) and found.pattern:
        given = Parameters.of(world, path, state)
        made = needs(found.service, found.api, found.pattern, given)
        yield from _calls(path, name, (found.service, found.api, found.pattern), made)


def _map(world: World, path: Path, name: str, state: Mapping[str, Any]) -> Iterator[Call]:
    """A distributed map starts executions of its own machine, and reads and writes what it is told to."""
    for field, api in (("ItemReader", ""), ("ResultWriter", "putObject")):
        if isinstance(owner := state.get(field), dict) and "Resource" in owner:
            found = target(owner["Resource"])
            given = Parameters.of(world, (*path, field), owner)
            made = _written(given) if api else needs("s3", found.api if found else "", Pattern.REQUEST, given)
            yield from _calls(path, name, ("s3", api or (found.api if found else ""), Pattern.REQUEST), made)
    processor = state.get("ItemProcessor")
    config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
    if isinstance(config, dict) and config.get("Mode") == DISTRIBUTED:
        watch = ("states:DescribeExecution", "states:StopExecution")
        made = (
            Need(("states:StartExecution",), world.machine),
            Need(watch, world.execution(world.machine)),
            Need((*watch, "states:RedriveExecution"), world.execution(world.machine, "/")),
        )
        yield from _calls(path, name, ("states", "startExecution", Pattern.REQUEST), made)


_WRITES = ("s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject")


def _written(given: Parameters) -> tuple[Need, ...]:
    """Results are uploaded in parts, below a prefix."""
    bucket = given.text("Bucket")
    if bucket is None:
        return (given.unknown(_WRITES, "Bucket"),)
    prefix = (given.text("Prefix") or "").strip("/")
    partition = given.world.place.partition
    return (Need(_WRITES, f"arn:{partition}:s3:::{bucket}/{prefix + '/' if prefix else ''}*"),)


def _calls(path: Path, state: str, what: tuple[str, str, Pattern], made: tuple[Need, ...]) -> Iterator[Call]:
    service, api, pattern = what
    for need in made:
        at = need.at or (*path, "Resource")
        yield Call(at, state, service, api, pattern, need.actions, need.resource, need.why)
