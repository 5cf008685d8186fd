"""What a task hands to an API: values that are known when the definition is read, and those that are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from serverless_cli.asl.paths import is_expression
from serverless_cli.finding import Path
from serverless_cli.model import Place
from serverless_cli.names import arn
from serverless_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Need:
    """IAM actions and the ARN that they are needed on; None where it cannot be told, and `why` says why. `*` with a
    `why` is a guess: slx does not know the service. `at` is the field that tells it, or should."""

    actions: tuple[str, ...]
    resource: str | None
    why: str = ""
    at: Path = ()


@dataclass(frozen=True, slots=True)
class World:
    """What ARNs are made from: the place, the machine's own name, and ARNs behind texts that AWS hands out later."""

    place: Place
    name: str
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def machine(self) -> str:
        return arn(self.place, "states", f"stateMachine:{self.name}")

    def execution(self, machine: str, separator: str = ":") -> str:
        """The ARN of all executions of a machine."""
        return machine.replace(":stateMachine:", ":execution:", 1) + separator + "*"


_ITSELF = frozenset({"$$.StateMachine.Id", "{% $states.context.StateMachine.Id %}"})


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of one call, wherever they are in the definition."""

    world: World
    path: Path
    values: Mapping[str, Any]

    @classmethod
    def of(cls, world: World, path: Path, state: Mapping[str, Any]) -> Parameters:
        """Those of a task, an item reader or a result writer."""
        name = "Arguments" if "Arguments" in state else "Parameters"
        values = state.get(name)
        return cls(world, (*path, name), values if isinstance(values, dict) else {})

    def text(self, name: str) -> str | None:
        """A parameter's value; None when it is left out, or known only when the task runs."""
        for key in (name, f"{name}.$"):
            if isinstance(value := self.values.get(key), str) and value.strip() in _ITSELF:
                return self.world.machine
        value = self.values.get(name)
        return value if isinstance(value, str) and not is_expression(value) else None

    def has(self, name: str) -> bool:
        return name in self.values or f"{name}.$" in self.values

    def items(self, name: str) -> list[Any] | None:
        """A parameter that is a list; None when it is not known."""
        value = self.values.get(name)
        return value if isinstance(value, list) else None

    def at(self, name: str) -> Path:
        """Where a parameter stands; where they all stand if it is left out."""
        found = next((key for key in (name, f"{name}.$") if key in self.values), None)
        return (*self.path, found) if found else self.path if self.values else self.path[:-1]

    def inside(self, name: str) -> Parameters:
        """The parameters in a mapping."""
        value = self.values.get(name)
        return Parameters(self.world, (*self.path, name), value if isinstance(value, dict) else {})

    def unknown(self, actions: tuple[str, ...], name: str) -> Need:
        """The need for something whose name is not known when the definition is read."""
        why = f"`{name}` is known only when it runs" if self.has(name) or not self.values else f"it names no `{name}`"
        return Need(actions, None, why, self.at(name))
