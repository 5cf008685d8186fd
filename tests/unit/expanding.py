"""Small blueprints through the real parser and the real types, to what a plan is made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from serverless_cli.blueprint.parse import parse
from serverless_cli.model import Place, Resource, Stack
from serverless_cli.resources import TYPES, WEAVERS

PLACE = Place("shop", "dev", "eu-central-1", "123456789012")
CHINA = Place("shop", "dev", "cn-north-1", "123456789012", "aws-cn", "amazonaws.com.cn")
GOVCLOUD = Place("shop", "dev", "us-gov-west-1", "123456789012", "aws-us-gov")


def expand(folder: Path, resources: str, place: Place = PLACE) -> dict[str, Resource]:
    """The resources by ref, as text (`permission api.hello` without its topic's digest where that is the only one)."""
    return {str(ref): resource for ref, resource in read(folder, resources, place).resources.items()}


def read(folder: Path, resources: str, place: Place = PLACE) -> Stack:
    """The stack with these resources; functions have their code in `./code`."""
    code = folder / "code"
    code.mkdir(exist_ok=True)
    (code / "app.py").write_text("def handler(event, context):\n    return {}\n")
    path = folder / "blueprint.yaml"
    path.write_text(f"name: {place.stack}\nresources:\n{resources}")
    return parse(path, place=lambda name: replace(place, stack=name), types=TYPES, weavers=WEAVERS)


def spec(resource: Resource) -> Any:
    return resource.spec
