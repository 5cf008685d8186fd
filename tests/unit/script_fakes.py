"""AWS by script, for what no emulator answers: states that take time, conflicts, refusals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aws_fakes import FakeClock, refused

from serverless_cli.aws.failure import Failure
from serverless_cli.aws.session import Calls
from serverless_cli.model import Place, Ref, Spec
from serverless_cli.resources.base import Here

PLACE = Place("shop", "dev", "eu-central-1", "123456789012")
GONE = refused("ResourceNotFoundException", "The resource you requested does not exist.", 404)


class Script:
    """A transport with a list of answers for each operation; the last one of each stays, an unknown one is empty."""

    def __init__(self, **answers: list[dict[str, Any] | Failure]) -> None:
        self.answers = {name.replace("__", "."): list(given) for name, given in answers.items()}
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def send(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.sent.append((operation, dict(parameters)))
        left = self.answers.get(operation, [{}])
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Failure):
            raise Failure(operation, answer.nature, answer.code, answer.message, answer.status)
        return answer

    def pages(self, operation: str, parameters: Mapping[str, Any], call: Any) -> Iterable[dict[str, Any]]:
        return [call(operation, **parameters)]

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.sent]


def calls(script: Script) -> Calls:
    return Calls(script, "eu-central-1", FakeClock())


def here(kind: str, id: str, name: str, wish: Spec, **outputs: str) -> Here:
    return Here(Ref(kind, id), name, PLACE, outputs, wish)
