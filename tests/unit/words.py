"""Short words for wishes, realities, records, plans and runs, so that tests read as sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from serverless_cli.execute import run
from serverless_cli.model import (
    Action,
    Entry,
    Handout,
    Late,
    Mark,
    Observed,
    Plan,
    Record,
    Ref,
    Resource,
    Spec,
    Stack,
    Step,
)
from serverless_cli.plan import down, fill_known, heres, up
from tests.unit.fakes import KINDS, PLACE, Cloud, Held, Listener, SpyJournal, ThingSpec, Ticks

DEADLINE_S = 20.0


def ref(text: str) -> Ref:
    """`"table orders"` as a Ref; a lone id is a thing."""
    kind, _, id = text.partition(" ")
    return Ref(kind, id) if id else Ref("thing", kind)


def mark(id: str, **other: str) -> Mark:
    return replace(Mark(PLACE.stack, PLACE.stage, PLACE.region, id), **other)


def wish(text: str, *needs: str, name: str = "", inside: str = "", spec: Spec | None = None, **flags: Any) -> Resource:
    """A resource that is called as its id unless a name is given."""
    it = ref(text)
    home = ref(inside) if inside else None
    return Resource(it, name or it.id, spec or ThingSpec(), frozenset(map(ref, needs)), home, **flags)


def stack(*resources: Resource) -> Stack:
    return Stack(PLACE, {one.ref: one for one in resources})


def seen(id: str, spec: Spec | None = None, /, **outputs: str) -> Observed:
    """Something of this stack, as AWS has it."""
    return Observed(spec or ThingSpec(), outputs, mark(id))


def entry(text: str, *needs: str, name: str = "", inside: str = "", spec: Spec | None = None, **rest: Any) -> Entry:
    """What is recorded of something that was made."""
    it = ref(text)
    home = ref(inside) if inside else None
    edges = frozenset(map(ref, needs)) | ({home} if home else set())
    return Entry(it, name or it.id, spec or ThingSpec(), needs=edges, inside=home, **rest)


def record(*entries: Entry) -> Record:
    return Record({one.ref: one for one in entries}, complete=True)


FOREIGN = Mark("shop", "prod", "eu-central-1", "hello")


def late(text: str, attribute: str = "id") -> Late:
    return Late((Handout(ref(text), attribute),))


def bare(spec=None, /, **outputs):
    return Observed(spec or ThingSpec(), outputs)


def refs(pairs):
    return {ref(text): one for text, one in pairs.items()}


def actions(plan):
    return {str(one): step.action.value for one, step in plan.steps.items()}


def needs(plan, text):
    return {str(one) for one in plan.steps[ref(text)].needs}


def go(steps, pool=None, *, cloud=None, journal=None, **options):
    """Runs a plan, or loose steps."""
    plan = steps if isinstance(steps, Plan) else Plan(PLACE, {one.ref: one for one in steps})
    defaults = {"lease": Held(), "listen": Listener(), "clock": Ticks(), "pool": pool}
    return run(
        plan,
        kinds=KINDS,
        aws=cloud or Cloud(),
        journal=SpyJournal() if journal is None else journal,
        **{**defaults, **options},
    )


def planned(wanted, cloud, journal):
    """As the app does it: read, fill, prepare, plan."""
    observed = {
        one: KINDS[one.kind].read(cloud, here) for one, here in heres(PLACE, KINDS, journal.record, (), wanted).items()
    }
    return up(fill_known(wanted, observed, KINDS), observed, journal.record, KINDS)


def bring_up(wanted, cloud, journal, pool, **options):
    return go(planned(wanted, cloud, journal), pool, cloud=cloud, journal=journal, **options)


def tear_down(cloud, journal, pool, **options):
    read = {one: KINDS[one.kind].read(cloud, here) for one, here in heres(PLACE, KINDS, journal.record).items()}
    return go(down(PLACE, journal.record, read, KINDS), pool, cloud=cloud, journal=journal, **options)


def create(text, *needs, **rest):
    it = ref(text)
    return Step(Action.CREATE, it, it.id, ThingSpec(), needs=frozenset(map(ref, needs)), absent=True, **rest)


def delete(text, *needs, **rest):
    it = ref(text)
    return Step(Action.DELETE, it, it.id, needs=frozenset(map(ref, needs)), **rest)


def keep(text, *needs, **outputs):
    it = ref(text)
    return Step(Action.KEEP, it, it.id, ThingSpec(), needs=frozenset(map(ref, needs)), outputs=outputs)


def statuses(report):
    return {str(one): outcome.status.value for one, outcome in report.outcomes.items()}


def failing(error):
    def fail():
        raise error

    return fail
