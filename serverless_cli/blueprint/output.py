"""The `outputs:` of a blueprint: texts to print and remember once everything is up."""

from __future__ import annotations

import re

from serverless_cli.blueprint.nodes import Broken, MappingNode, Node, Scalar, called
from serverless_cli.blueprint.problems import shown
from serverless_cli.blueprint.refs import Resolver
from serverless_cli.secret import Secret

OUTPUT_NAME = r"[A-Za-z][A-Za-z0-9_-]{0,63}"


def read_outputs(node: Node | None, resolver: Resolver) -> dict[str, str]:
    """All outputs of the section. What is wrong goes to the resolver's problems."""
    found: dict[str, str] = {}
    if not isinstance(node, MappingNode):
        return found
    problems = resolver.problems
    for name, child in node.items.items():
        if not re.fullmatch(OUTPUT_NAME, name):
            why = "wanted: letters, digits, - and _, beginning with a letter, at most 64"
            problems.add(f"{shown(name)} cannot be the name of an output", node.at(name), why)
        elif not isinstance(child, Scalar) or child.empty:
            if not isinstance(child, Broken):
                problems.add(f"the output {shown(name)} is {called(child)}", child.where, "it wants a text")
        elif isinstance(text := resolver.text(child), Secret):
            problems.add(f"a secret in the output {shown(name)}", child.where, "outputs are printed and remembered")
        elif text is not None:
            found[name] = text
    return found
