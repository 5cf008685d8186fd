"""Input templates: what a target gets instead of the event, with parts of the event put in. Pure.

One language for rules and pipes: a value in YAML whose texts may hold `<$.path>`. A text that is nothing but one such
path becomes what is there, of whatever type; in a longer text it becomes text. A text that is JSON itself is taken as
the template that it is.

AWS facts (EventBridge user guide, "Input transformation", "Pipes input transformation"):
- In a template, a placeholder outside quotes keeps its type, one inside quotes becomes text. Free text is in quotes.
- A pipe's template names paths directly (`<$.dynamodb.NewImage.id.S>`); a rule's names variables, which a map of at
  most 100 leads to paths. A variable's name must not begin with `aws`.
- Paths have dots, indexes and `*` only. Templates have at most 8192 characters, paths 256.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from serverless_cli.finding import Finding, near, shown

LONGEST, LONGEST_PATH, MOST_PATHS = 8192, 256, 100
PATH = r"\$(?:\.[A-Za-z0-9_/-]+|\.\*|\[(?:[0-9]+|\*)\])*"
RULE_WORDS = (
    "aws.events.rule-arn", "aws.events.rule-name", "aws.events.event", "aws.events.event.json",
    "aws.events.event.ingestion-time",
)  # fmt: skip
PIPE_WORDS = (
    "aws.pipes.pipe-arn", "aws.pipes.pipe-name", "aws.pipes.source-arn", "aws.pipes.target-arn",
    "aws.pipes.enrichment-arn", "aws.pipes.event", "aws.pipes.event.json", "aws.pipes.event.ingestion-time",
)  # fmt: skip
_PLACE = r"<(?:\$[^<>\"\\]*|aws\.[a-z.-]+)>"
_WHOLE = re.compile(rf'(?:(?<=[:\[,])|^)"({_PLACE})"(?=[,\]}}]|$)')


def template(value: str) -> str:
    """The template that a value (canonical JSON) stands for; empty for an empty text."""
    tree = json.loads(value)
    if isinstance(tree, str) and (not tree or tree.lstrip()[:1] in ("{", "[", '"')):
        return tree
    # In JSON a quote inside a text is escaped, so that one after : [ or , begins a value that is a text.
    return _WHOLE.sub(r"\1", value)


def transformer(value: str) -> tuple[dict[str, str], str]:
    """The same for a rule: the variables with their paths, and the template that names them."""
    names: dict[str, str] = {}

    def name(found: re.Match[str]) -> str:
        path = found[1]
        if path not in names:
            plain = re.sub(r"[^A-Za-z0-9]+", "_", path).strip("_") or "event"
            plain = f"v_{plain}" if plain.lower().startswith("aws") else plain[:60]
            taken = set(names.values())
            free = (plain if number == 1 else f"{plain}_{number}" for number in range(1, len(names) + 2))
            names[path] = next(one for one in free if one not in taken)
        return f"<{names[path]}>"

    text = re.sub(rf"<({PATH})>", name, template(value))
    return {variable: path for path, variable in names.items()}, text


def check(value: str, *, pipe: bool = False) -> list[Finding]:
    """What is wrong with a template, given as canonical JSON."""
    return list(_check(value, pipe=pipe))


def _check(value: str, *, pipe: bool) -> Iterator[Finding]:
    text = template(value)
    if not text:
        yield Finding(
            (), "an empty template", "the target would get nothing", "leave it out to send the event as it is"
        )
    if len(text) > LONGEST:
        yield Finding((), f"a template of {len(text)} characters", f"EventBridge takes {LONGEST} at most")
    words = PIPE_WORDS if pipe else RULE_WORDS
    paths = re.findall(r"<(\$[^<>]*)", text)
    for path in dict.fromkeys(paths):
        if f"<{path}>" not in text:
            yield Finding((), f"{shown('<' + path)} has no end", "", "write <$.path>")
        elif not re.fullmatch(PATH, path):
            yield Finding((), f"{shown(path)} is no path", "paths have dots, indexes and * only", "e.g. <$.detail.id>")
        elif len(path) > LONGEST_PATH:
            yield Finding((), f"{shown(path)} is too long", f"a path has at most {LONGEST_PATH} characters")
    if not pipe and len(set(paths)) > MOST_PATHS:
        yield Finding((), f"a template with {len(set(paths))} paths", f"EventBridge takes {MOST_PATHS} at most")
    for word in dict.fromkeys(re.findall(r"<(aws\.[^<>]*)>", text)):
        if word not in words:
            yield Finding((), f"EventBridge knows no {shown('<' + word + '>')} here", "", near(word, words))
