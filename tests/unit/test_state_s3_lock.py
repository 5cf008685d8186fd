"""The lock in S3: several machines with clocks of their own, pauses, lost answers, deaths; never two that write."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from s3_fakes import OWNER, FakeBucket, MemoryS3

from serverless_cli.aws.session import Calls
from serverless_cli.errors import Exit, SlxError
from serverless_cli.state.address import S3Address
from serverless_cli.state.lease import Holder
from serverless_cli.state.s3_lease import BEAT_S, LEASE_S, LOOK_S, MARGIN_S, Claim, S3Lease, path
from serverless_cli.state.s3_objects import Objects
from serverless_cli.state.store import StackKey

KEY = StackKey("aws-123456789012-eu-west-1", "website", "dev")
BUCKET = "acme-state"
PLACE = S3Address(BUCKET, "shop")


@dataclass
class World:
    """True time, which nobody sees, and the bucket."""

    time: float = 0.0
    s3: MemoryS3 = field(default_factory=lambda: MemoryS3({BUCKET: FakeBucket()}))

    @property
    def owner(self) -> Holder | None:
        return Holder.parse(self.s3.buckets[BUCKET].objects.get(PLACE.key(*path(KEY)), b""))


@dataclass
class OwnClock:
    """A machine's clock: it began somewhere, and runs too fast or too slowly."""

    world: World
    rate: float = 1.0
    offset: float = 0.0

    def now(self):
        return self.offset + self.rate * self.world.time

    def sleep(self, seconds):
        self.world.time += seconds / self.rate

    def wait(self, event, seconds):
        self.sleep(seconds)
        return event.is_set()

    def random(self):
        return 0.5


class Machine:
    """Somebody who wants the lock, or has it."""

    def __init__(self, world, name, *, rate=1.0, offset=0.0, hook=None):
        self.world = world
        self.clock = OwnClock(world, rate, offset)
        self.s3 = world.s3.caller(hook)
        self.objects = Objects(Calls(self.s3, "eu-west-1", self.clock), PLACE, OWNER)
        self.name = name
        self.claim: Claim | None = None
        self.lease: S3Lease | None = None
        self.busy = False
        self.told: list[str] = []

    def look(self):
        """One look at the lock; True when it is ours now."""
        holder = Holder.me(f"up by {self.name}")
        self.claim = self.claim or Claim(self.objects, KEY, holder, clock=self.clock, notify=self.told.append)
        try:
            self.lease = self.claim.look()
        except SlxError:
            self.claim = None
            raise
        if self.lease:
            self.claim = None
        return self.lease is not None

    def writes(self):
        """Whether it would write on AWS now."""
        with suppress(SlxError):
            self.lease.check()
            return True
        return False


@pytest.fixture
def world():
    return World()


@pytest.fixture
def ann(world):
    return Machine(world, "ann")


@pytest.fixture
def ben(world):
    return Machine(world, "ben", rate=1.1, offset=5e6)


def alive(machine, seconds):
    """Time passes, and the machine gives its signs of life."""
    for _ in range(int(seconds / BEAT_S)):
        machine.clock.sleep(BEAT_S)
        machine.lease.renew()


def test_the_second_learns_who_holds_it_as_soon_as_that_shows_to_be_alive(ann, ben):
    assert ann.look()
    assert not ben.look()
    alive(ann, BEAT_S)

    with pytest.raises(SlxError) as caught:
        ben.look()

    assert caught.value.exit_code is Exit.LOCKED
    assert str(ann.lease.holder) in caught.value.why
    assert "looking whether it is alive" in ben.told[0]
    assert str(ann.lease.holder) in ben.told[0]
    assert ben.s3.wrote == []


def test_the_second_does_not_go_on_when_the_first_has_just_ended(ann, ben):
    assert ann.look()
    assert not ben.look()
    ann.lease.release()

    with pytest.raises(SlxError, match="is locked") as caught:
        ben.look()

    assert "run this one again" in caught.value.hint
    assert ben.look()


def test_of_two_that_find_it_free_one_gets_it(world, ann, ben):
    """Both have looked before either writes."""
    meanwhile = [ben.look]

    def interrupted(when, operation):
        if operation == "s3.PutObject" and when == "before" and meanwhile:
            meanwhile.pop()()

    ann.s3.hook = interrupted

    with pytest.raises(SlxError, match="is locked") as caught:
        ann.look()

    assert str(ben.lease.holder) in caught.value.why
    assert world.owner == ben.lease.holder
    assert ann.s3.wrote == []


def test_of_two_that_find_it_dead_one_gets_it(world, ann, ben):
    assert Machine(world, "dead").look()
    for machine in (ann, ben):
        machine.look()
    world.time += 2 * LEASE_S

    ann.s3.hook = lambda when, operation: ben.look() and None if operation == "s3.PutObject" and not ben.lease else None
    with pytest.raises(SlxError, match="is locked"):
        ann.look()

    assert world.owner == ben.lease.holder
    assert ann.s3.wrote == []


def test_a_lease_counts_from_the_beginning_of_a_renewal(world, ann, ben):
    """Its answer came late, and others could count from before that."""
    assert ann.look()

    def slow(when, operation):
        if operation == "s3.PutObject" and when == "after":
            assert not ben.look()
            world.time += 50

    ann.s3.hook = slow
    ann.lease.renew()
    ann.s3.hook = lambda when, operation: None
    world.time += 10
    assert ben.look()

    assert not ann.writes()


def test_a_dead_ones_lock_is_taken_over_after_a_lease_on_the_observers_clock(ann, ben):
    assert ann.look()
    began = ben.clock.now()

    ben.lease = Claim(ben.objects, KEY, Holder.me("up"), clock=ben.clock, notify=ben.told.append).take()

    assert LEASE_S <= ben.clock.now() - began < LEASE_S + 2 * LOOK_S
    assert ben.writes()
    assert not ann.writes()
    assert len(ben.told) == 3


def test_one_who_slept_goes_on_if_nobody_took_it(ann):
    assert ann.look()
    ann.clock.sleep(10 * LEASE_S)

    assert ann.writes()


def test_one_who_slept_stops_if_somebody_took_it(ann, ben):
    assert ann.look()
    while not ben.look():
        ben.clock.sleep(LOOK_S)

    with pytest.raises(SlxError, match="lost its lock") as caught:
        ann.lease.check()

    assert str(ben.lease.holder) in caught.value.why
    ben.lease.release()
    with pytest.raises(SlxError, match="lost its lock"):  # a straggler does not come back
        ann.lease.check()


def test_the_check_costs_no_call_while_the_lease_is_young(ann):
    assert ann.look()
    sent = len(ann.s3.sent)
    ann.clock.sleep(LEASE_S - MARGIN_S - 1)

    assert ann.writes()
    assert len(ann.s3.sent) == sent


def test_whoever_cannot_reach_s3_stops_in_time(ann):
    assert ann.look()
    ann.clock.sleep(LEASE_S - MARGIN_S)
    ann.s3.hook = lambda when, operation: "AccessDenied"

    assert not ann.writes()
    ann.s3.hook = lambda when, operation: None
    assert ann.writes()


def test_releasing_removes_ones_own_lock_alone(world, ann, ben):
    assert ann.look()
    while not ben.look():
        ben.clock.sleep(LOOK_S)

    ann.lease.release()
    assert world.owner == ben.lease.holder
    ben.lease.release()
    ben.lease.release()
    assert world.owner is None
    assert not ben.writes()


@pytest.mark.parametrize("what", ["claim", "renewal", "release"])
def test_a_lost_answer_changes_nothing(world, ann, what):
    faults = ["lost"]
    lossy = lambda when, operation: faults.pop() if faults and when == "after" and "Get" not in operation else None  # noqa: E731
    if what == "claim":
        ann.s3.hook = lossy
    assert ann.look()
    ann.s3.hook = lossy
    if what == "release":
        ann.lease.release()
        assert world.owner is None
    else:
        ann.lease.renew()
        ann.lease.renew()
        assert ann.writes()
    assert faults == []


def test_a_renewal_that_was_only_seen_to_be_there_already_is_none(ann, ben):
    """Its answer was lost for good, then the machine slept: the lock has not moved since before the sleep."""
    assert ann.look()
    ann.s3.hook = lambda when, operation: "lost" if operation == "s3.PutObject" and when == "after" else None
    with suppress(SlxError):
        ann.lease.renew()
    ann.s3.hook = lambda when, operation: None
    assert not ben.look()
    ben.clock.sleep(LEASE_S - 1)

    ann.lease.renew()

    with pytest.raises(SlxError, match="is locked"):
        ben.look()


def test_a_heart_beats_until_the_release(ann):
    assert ann.look()
    beats = []

    def count(when, operation):
        if when == "after" and operation == "s3.PutObject":
            beats.append(ann.clock.now())
            if len(beats) == 3:
                ann.lease._stop.set()

    ann.s3.hook = count
    ann.lease.beat()

    assert [round(later - sooner) for sooner, later in pairwise(beats)] == [BEAT_S, BEAT_S]


# Anything at any moment


class Scheduler(RuleBasedStateMachine):
    """Three machines; what one does is interrupted before and after each of its calls by time and by the others."""

    @initialize(
        rates=st.tuples(*[st.floats(0.9, 1.1)] * 3), offsets=st.tuples(*[st.floats(0, 1e6)] * 3), data=st.data()
    )
    def start(self, rates, offsets, data):
        self.world = World()
        self.data = data
        self.depth = 0
        self.machines = [
            Machine(self.world, str(number), rate=rate, offset=offset)
            for number, (rate, offset) in enumerate(zip(rates, offsets, strict=True))
        ]
        for machine in self.machines:
            machine.s3.hook = self.between

    def between(self, when, operation):
        what = self.data.draw(st.sampled_from(["go", "go", "go", "time", "other", "lost"]), label=when)
        if what == "time":
            self.pass_(self.data.draw(st.sampled_from([1.0, 20.0, 46.0, 61.0, 100.0])))
        if what == "other" and self.depth < 2:
            self.depth += 1
            self.act(self.data.draw(st.integers(0, 2)), self.data.draw(st.sampled_from(["look", "beat", "write"])))
            self.depth -= 1
        return "lost" if what == "lost" else None

    def pass_(self, seconds):
        self.world.time += seconds

    def act(self, number, what):
        machine = self.machines[number]
        if machine.busy or (machine.lease is None) != (what == "look"):
            return
        machine.busy = True
        try:
            getattr(self, f"_{what}")(machine)
        finally:
            machine.busy = False

    def _look(self, machine):
        before = len(machine.s3.wrote)
        with suppress(SlxError):
            machine.look()
        if machine.lease is None and len(machine.s3.wrote) > before:
            # A claim whose answer was lost for good: its lock is there, and nobody holds it.
            assert machine.s3.wrote[before:] == [("PutObject", PLACE.key(*path(KEY)))]

    def _beat(self, machine):
        with suppress(SlxError):
            machine.lease.renew()

    def _write(self, machine):
        if machine.writes():
            assert self.world.owner == machine.lease.holder, "it would write, and the lock is somebody else's"

    def _release(self, machine):
        machine.lease.release()
        machine.lease = None

    def _die(self, machine):
        machine.lease = None

    @rule(seconds=st.sampled_from([0.5, 2.0, 10.0, 44.0, 59.0, 61.0, 300.0]))
    def time_passes(self, seconds):
        self.pass_(seconds)

    @rule(number=st.integers(0, 2), what=st.sampled_from(["look", "look", "beat", "write", "write", "release", "die"]))
    def somebody_acts(self, number, what):
        self.act(number, what)


Scheduler.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestScheduler = Scheduler.TestCase


@settings(max_examples=40, deadline=None)
@given(rate=st.floats(0.9, 1.1), offset=st.floats(0, 1e9), beats=st.integers(0, 5), late=st.floats(0, 9))
def test_a_dead_ones_lock_is_always_taken_in_the_end(rate, offset, beats, late):
    world = World()
    ann, ben = Machine(world, "ann"), Machine(world, "ben", rate=rate, offset=offset)
    assert ann.look()
    alive(ann, beats * BEAT_S)
    world.time += late

    began = ben.clock.now()
    while not ben.look():
        ben.clock.sleep(LOOK_S)

    assert ben.clock.now() - began <= LEASE_S + 2 * LOOK_S
    assert ben.writes()
    assert not ann.writes()
