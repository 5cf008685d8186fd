"""What is wrong with a function's triggers and destinations, found while the blueprint is read.

AWS facts (Lambda, SQS, S3 and SNS developer guides; botocore's model; recorded answers):
- A queue whose messages come back before the function has ended is refused: the visibility timeout must reach the
  function's timeout, and AWS recommends six times that.
- More than 10 messages at once want a batch window; a FIFO queue gives 10 at most and takes no window.
- Two notifications of one bucket may not be about the same event of the same key.
- A function can be subscribed to a topic once; FIFO topics tell queues only.
- Lambda filters know what filters of pipes know; patterns of a bus know more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from serverless_cli.errors import Location, Problem
from serverless_cli.eventbridge import pattern, schedule
from serverless_cli.finding import Finding
from serverless_cli.records import dataclass
from serverless_cli.resources import loops
from serverless_cli.resources.base import Declared, Scope, apart
from serverless_cli.resources.triggers import ENDS, SOURCES, TriggerKeys, canonical, ends, includes

MAX_FILTERS = 10
MIN_AGE_S = 60
FIFO_BATCH = PLAIN_BATCH = 10
ADVISED = 6

_BATCHES = frozenset({"batch_size", "batch_window_s", "partial_failures", "filter", "enabled"})
_STREAMS = _BATCHES | {"starting_position", "retries", "max_age_s", "bisect", "parallel", "on_failure"}
_OPTIONS = {
    "bucket": frozenset({"events", "prefix", "suffix"}),
    "queue": _BATCHES | {"max_concurrency"},
    "table": _STREAMS,
    "stream": _STREAMS,
    "topic": frozenset({"filter"}),
    "schedule": frozenset[str](),
    "bus": frozenset({"pattern"}),
}
_ALL = tuple(sorted(_STREAMS | {"max_concurrency", "events", "prefix", "suffix", "pattern"}))


def problems(it: Declared[Any], scope: Scope) -> Iterator[Problem]:
    """All that is wrong with the triggers and destinations of a function."""
    yield from apart(_alone(it, scope), _ends(it, scope))


def _alone(it: Declared[Any], scope: Scope) -> Iterator[Problem]:
    """Of each trigger; what they do to one another only matters once each is right."""
    sound = True
    for number, one in enumerate(it.keys.triggers):
        found = list(apart(_Trigger(it, number, one, scope).problems()))
        sound = sound and not found
        yield from found
    if sound:
        yield from apart(_overlaps(it, scope), loops.problems(it, scope))


def _ends(it: Declared[Any], scope: Scope) -> Iterator[Problem]:
    yield from apart(*(_end(it, id, tuple(ENDS), it.line(key), scope) for key, id in ends(it).items()))


def warnings(it: Declared[Any], scope: Scope) -> Iterator[Problem]:
    """What AWS takes, and what will hurt; of a blueprint without problems."""
    for number, one in enumerate(it.keys.triggers):
        queue = scope.declared(one.queue) if one.queue else None
        if queue and not queue.existing and queue.keys.visibility_timeout_s < ADVISED * it.keys.timeout_s:
            yield Problem(
                f"messages of {queue.id} come back after {queue.keys.visibility_timeout_s} s",
                f"AWS recommends six times the timeout of {it.id}, or a message may be handled twice",
                f"`visibility_timeout_s: {ADVISED * it.keys.timeout_s}` on {queue.id}",
                it.line("triggers", number),
            )
        if one.on_failure and one.retries < 0 and one.max_age_s < 0:
            yield Problem(
                f"{one.on_failure} hears of no failure while records of {one.names} last",
                "a batch is tried again until its records expire",
                "limit `retries` or `max_age_s`",
                it.line("triggers", number, "on_failure"),
            )
    yield from loops.warnings(it, scope)


@dataclass(frozen=True, slots=True)
class _Trigger:
    """One trigger of a function under examination."""

    it: Declared[Any]
    number: int
    one: TriggerKeys
    scope: Scope

    def line(self, *path: str | int) -> Location:
        return self.it.line("triggers", self.number, *path)

    def problems(self) -> Iterator[Problem]:
        sources = self.one.sources
        if len(sources) != 1:
            why = f"this one has {' and '.join(sources) or 'none'}"
            yield Problem("a trigger has one source", why, f"one of {', '.join(SOURCES)}", self.line())
            return
        source = sources[0]
        yield from self.options(source)
        if source == "schedule":
            yield from self.located(schedule.check(self.one.names), "schedule")
            return
        wanted = "event-bus" if source == "bus" else source
        target = self.scope.declared(self.one.names)
        if source == "bus" and target is None and self.one.bus == "default":
            yield from self.bus(None)
        elif target is None or target.type != wanted:
            yield self.nowhere(source, wanted, target)
        else:
            yield from getattr(self, source)(target)

    def options(self, source: str) -> Iterator[Problem]:
        """Options that belong to other sources."""
        for key in _ALL:
            if key not in _OPTIONS[source] and ("triggers", self.number, key) in self.it.at:
                homes = ", ".join(f"`{name}`" for name, options in _OPTIONS.items() if key in options)
                dead = source == "queue" and key in ("on_failure", "retries", "max_age_s")
                hint = "the queue's `dead_letter` says that" if dead else ""
                yield Problem(
                    f"`{key}` is nothing for a `{source}` trigger", f"it is for {homes}", hint, self.line(key)
                )

    def nowhere(self, source: str, wanted: str, target: Declared[Any] | None) -> Problem:
        there = [other.id for other in self.scope.every() if other.type == wanted]
        return Problem(
            f"`{source}` names {self.one.names}, which is no {wanted} of this blueprint",
            f"it is a {target.type}" if target else "",
            f"there are: {', '.join(there)}" if there else "",
            self.line(source),
        )

    def located(self, found: Iterable[Finding], *path: str | int) -> Iterator[Problem]:
        for finding in found:
            yield Problem(finding.what, finding.why, finding.hint, self.line(*path, *finding.path))

    def twice(self) -> Iterator[Problem]:
        if any(other.names == self.one.names for other in self.it.keys.triggers[: self.number] if other.sources):
            yield Problem(f"{self.one.names} triggers {self.it.id} twice", "AWS takes one", where=self.line())

    def bucket(self, target: Declared[Any]) -> Iterator[Problem]:
        for key in ("prefix", "suffix"):
            if "*" in getattr(self.one, key):
                yield Problem(f"`{key}` has a *", "S3 knows no wildcards here", "leave it out", self.line(key))

    def batches(self) -> Iterator[Problem]:
        """What all sources have in common that Lambda polls."""
        yield from self.twice()
        if self.one.filter is None:
            return
        patterns = json.loads(self.one.filter)
        if not isinstance(patterns, list):
            hint = "filter: [{body: {kind: [order]}}]"
            yield Problem("`filter` wants a list of patterns", "", hint, self.line("filter"))
        elif len(patterns) > MAX_FILTERS:
            why = f"Lambda takes {MAX_FILTERS} at most"
            yield Problem(f"`filter` has {len(patterns)} patterns", why, where=self.line("filter"))
        else:
            for index, each in enumerate(patterns):
                yield from self.located(pattern.check(canonical(each), pipe=True), "filter", index)

    def queue(self, target: Declared[Any]) -> Iterator[Problem]:
        yield from self.batches()
        size, fifo = self.one.batch_size or PLAIN_BATCH, target.name.endswith(".fifo")
        where, window = self.line("batch_size"), self.one.batch_window_s
        if fifo and size > FIFO_BATCH:
            yield Problem(f"`batch_size` cannot be {size}", f"a FIFO queue gives {FIFO_BATCH} at most", where=where)
        elif fifo and window:
            where = self.line("batch_window_s")
            yield Problem("`batch_window_s` is nothing for a FIFO queue", "Lambda refuses it", "leave it out", where)
        elif size > PLAIN_BATCH and not window and not fifo:
            why = f"more than {PLAIN_BATCH} messages at once want time to gather"
            yield Problem(f"`batch_size` {size} wants a `batch_window_s`", why, "batch_window_s: 1", where)
        if not target.existing and target.keys.visibility_timeout_s < self.it.keys.timeout_s:
            yield Problem(
                f"messages of {target.id} come back after {target.keys.visibility_timeout_s} s",
                f"{self.it.id} may take {self.it.keys.timeout_s} s, and Lambda refuses a queue with less",
                f"`visibility_timeout_s: {ADVISED * self.it.keys.timeout_s}` on {target.id}",
                self.line("queue"),
            )

    def stream(self, target: Declared[Any]) -> Iterator[Problem]:
        yield from self.batches()
        age = self.one.max_age_s
        if 0 <= age < MIN_AGE_S:
            why = f"it takes {MIN_AGE_S} to 604800, or -1"
            yield Problem(f"`max_age_s` cannot be {age}", why, where=self.line("max_age_s"))
        if self.one.on_failure:
            yield from _end(self.it, self.one.on_failure, ("queue", "topic"), self.line("on_failure"), self.scope)

    def table(self, target: Declared[Any]) -> Iterator[Problem]:
        if not target.existing and target.keys.stream is None:
            why, hint = "a table tells of its changes through one", f"`stream: both` on {target.id}"
            yield Problem(f"{target.id} has no stream", why, hint, self.line("table"))
        yield from self.stream(target)

    def topic(self, target: Declared[Any]) -> Iterator[Problem]:
        yield from self.twice()
        where = self.line("topic")
        if target.name.endswith(".fifo"):
            hint = "subscribe a FIFO queue, and let that trigger the function"
            yield Problem(f"{target.id} cannot call {self.it.id}", "a FIFO topic tells queues only", hint, where)
        elif not target.existing and any(other.function == self.it.id for other in target.keys.subscriptions):
            what = f"{self.it.id} is among the `subscriptions` of {target.id} already"
            yield Problem(what, "", "keep one of the two", where)
        if self.one.filter is not None and not self.one.filter.startswith("{"):
            yield Problem("`filter` wants a mapping", "", "filter: {kind: [order]}", self.line("filter"))

    def bus(self, target: Declared[Any] | None) -> Iterator[Problem]:
        if self.one.pattern is None:
            hint = "pattern: {source: [my.app]}"
            yield Problem("a `bus` trigger wants a `pattern`", "it says which events count", hint, self.line())
        else:
            yield from self.located(pattern.check(self.one.pattern), "pattern")


def _end(it: Declared[Any], id: str, types: tuple[str, ...], where: Location, scope: Scope) -> Iterator[Problem]:
    """What is wrong with something that results are sent to."""
    target = scope.declared(id)
    if target is None and id == "default" and "event-bus" in types:
        return
    if target is None or target.type not in types:
        why = "" if target is None else f"it is a {target.type}"
        yield Problem(f"results cannot go to {id}: it is no {' or '.join(types)} of this blueprint", why, where=where)
    elif target.name.endswith(".fifo"):
        yield Problem(f"results cannot go to {id}", "Lambda sends none to FIFO queues and topics", where=where)
    elif target.id == it.id:
        yield Problem(f"the results of {it.id} go to itself", "AWS refuses that", where=where)


def _overlaps(it: Declared[Any], scope: Scope) -> Iterator[Problem]:
    """Pairs of notifications of one bucket about the same event of the same key, told at the later one."""
    before: list[tuple[Location, TriggerKeys]] = []
    for other in scope.every():
        if other.type != "function" or other.existing:
            continue
        for number, one in enumerate(other.keys.triggers):
            if one.sources != ("bucket",):
                continue
            where = other.line("triggers", number)
            if other.id == it.id:
                clashes = [line for line, earlier in before if _overlap(earlier, one)]
                for line in clashes[:1]:
                    yield Problem(
                        f"this overlaps with another trigger of {one.bucket}, on line {line.line}",
                        "S3 takes two of one event only for keys that differ in prefix or suffix",
                        "narrow one of them, or call both functions through a topic",
                        where,
                    )
            before.append((where, one))
        if other.id == it.id:
            return


def _overlap(one: TriggerKeys, other: TriggerKeys) -> bool:
    same = any(a == b or includes(a, b) or includes(b, a) for a in one.what for b in other.what)
    prefixes = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
    suffixes = one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix)
    return one.bucket == other.bucket and same and prefixes and suffixes
