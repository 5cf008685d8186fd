from __future__ import annotations

import re
from dataclasses import fields

import pytest
from all_rows import ONE_PER_STACK, ROWS
from bench import Bench, Row, overheard
from moto_gaps import GAPS

from serverless_cli.aws.memo import is_read
from serverless_cli.model import Spec, Verb
from serverless_cli.resources import KINDS
from serverless_cli.resources.ownership import ForeignError

SOMEBODY = {
    "another stack's mark": {"slx:stack": "else", "slx:stage": "dev", "slx:region": "eu-central-1", "slx:id": "hello"},
    "another stage's mark": {"slx:stack": "shop", "slx:stage": "prod", "slx:region": "eu-central-1", "slx:id": "hello"},
    "another region's mark": {"slx:stack": "shop", "slx:stage": "dev", "slx:region": "us-east-1", "slx:id": "hello"},
    "the mark of another id": {
        "slx:stack": "shop",
        "slx:stage": "dev",
        "slx:region": "eu-central-1",
        "slx:id": "other",
    },
    "tags that are no mark": {"owner": "somebody"},
    "no tags": {},
}
NAMED = tuple(row for row in ROWS if row.stranger)
MARKED = tuple(row for row in ROWS if KINDS[row.kind].marked)
MAKES = re.compile(r"\.(Create(?!LogStream|Integration|Route)|PublishLayerVersion|PutRule)")
"""operations that make what has tags, or, of a layer, a description"""


def each(rows: tuple[Row, ...], *what: str) -> list[object]:
    """One case for every entry of the named mappings of each row."""
    return [
        pytest.param(row, entry, id=f"{row.kind}: {entry}")
        for row in rows
        for part in what
        for entry in getattr(row, part)
    ]


def compared(spec: type[Spec]) -> set[str]:
    return {field.name for field in fields(spec) if field.compare}


def test_what_does_not_exist_is_read_as_none(bench: Bench):
    assert bench.read() is None


def test_what_was_created_is_as_wished(bench: Bench):
    bench.create()

    assert bench.changes() == ()


def test_what_was_created_carries_our_mark(bench: Bench):
    bench.create()

    assert bench.seen().mark == (bench.here().mark if bench.kind.marked else None)


@pytest.mark.parametrize("row", MARKED, ids=str, indirect=True)
def test_the_very_call_that_makes_it_carries_our_mark(bench: Bench):
    bench.aws, heard = overheard(bench.aws)

    bench.create()

    made = {operation: text for operation, text in heard if MAKES.search(operation)}
    assert made
    for text in made.values():
        assert all(f'"{key}"' in text for key in bench.here().mark.tags) or "slx shop/dev/eu-central-1/hello" in text


def test_a_create_that_need_not_look_makes_the_same(bench: Bench):
    outputs = bench.create(fresh=True)

    assert bench.changes() == ()
    assert bench.seen().mark == (bench.here().mark if bench.kind.marked else None)
    assert dict(outputs) == dict(bench.seen().outputs)


@pytest.mark.parametrize("known", [True, False], ids=["recorded", "forgotten"])
def test_whether_it_exists_and_whose_it_is_needs_no_whole_read(bench: Bench, *, known: bool):
    assert bench.exists() is None
    bench.create()
    if not known:
        bench.forget()

    found, read = bench.exists(), bench.read()

    assert found is not None
    assert read is not None
    assert found.mark == read.mark
    assert found.outputs.items() <= read.outputs.items()
    assert found.outputs.get("id") == read.outputs.get("id")


def test_outputs_of_a_create_are_those_that_a_read_gives(bench: Bench):
    outputs = bench.create()

    assert dict(outputs) == dict(bench.seen().outputs)


def test_creating_again_does_no_harm_and_makes_no_second_one(bench: Bench):
    bench.create()
    first = bench.seen()

    again = bench.create()

    assert (bench.seen(), dict(again)) == (first, dict(first.outputs))
    assert len(bench.search(bench.place)) == (1 if bench.kind.permissions[Verb.SEARCH] else 0)


@pytest.mark.parametrize(("row", "edit"), each(ROWS, "edits"), indirect=["row"])
def test_an_update_brings_about_just_the_edit(bench: Bench, edit: str):
    bench.create()
    edited = bench.edited(edit)

    changes = bench.update(edited)

    assert {change.field for change in changes} == compared(bench.kind.spec) & set(bench.row.edits[edit])
    assert bench.changes(edited) == ()


@pytest.mark.parametrize(("row", "edit"), each(ROWS, "edits"), indirect=["row"])
def test_an_edit_can_be_taken_back(bench: Bench, edit: str):
    bench.create()
    bench.update(bench.edited(edit))

    bench.update(bench.wish)

    assert bench.changes() == ()


@pytest.mark.parametrize(("row", "drift"), each(ROWS, "drifts"), indirect=["row"])
def test_what_was_changed_by_hand_is_seen_and_repaired(bench: Bench, drift: str):
    fields_, change = bench.row.drifts[drift]
    bench.create()
    change(bench)

    repaired = bench.update()

    assert {one.field for one in repaired} == fields_
    assert bench.changes() == ()
    assert bench.seen().mark == (bench.here().mark if bench.kind.marked else None)


@pytest.mark.parametrize(("row", "half"), each(ROWS, "halves"), indirect=["row"])
def test_a_create_finishes_what_an_earlier_one_left(bench: Bench, half: str):
    bench.row.halves[half](bench)

    bench.create(expected=True)

    assert bench.changes() == ()
    assert bench.seen().mark == (bench.here().mark if bench.kind.marked else None)


@pytest.mark.parametrize(("row", "half"), each(ROWS, "halves"), indirect=["row"])
def test_an_update_finishes_what_a_create_left(bench: Bench, half: str):
    bench.row.halves[half](bench)

    bench.update()

    assert bench.changes() == ()
    assert bench.seen().mark == (bench.here().mark if bench.kind.marked else None)


@pytest.mark.parametrize("tags", SOMEBODY.values(), ids=SOMEBODY)
@pytest.mark.parametrize("row", NAMED, ids=str, indirect=True)
def test_what_is_somebody_elses_is_in_the_way_and_left_as_it_is(bench: Bench, tags: dict[str, str]):
    if bench.kind.adopts_bare and not tags:
        pytest.skip("Lambda makes log groups without any mark: they are adopted")
    bench.row.stranger(bench, tags)
    before = bench.seen()

    with pytest.raises(ForeignError):
        bench.create()

    writes = [operation for operation in bench.calls.operations if not is_read(operation)]
    assert len(writes) <= 1, "the refused create at most: some kinds look first"
    assert bench.seen() == before


@pytest.mark.parametrize("row", NAMED, ids=str, indirect=True)
def test_another_mark_is_in_the_way_even_if_a_create_was_expected(bench: Bench):
    bench.row.stranger(bench, SOMEBODY["another stack's mark"])

    with pytest.raises(ForeignError) as raised:
        bench.create(expected=True)

    assert "belongs to stack else/dev" in raised.value.why


@pytest.mark.parametrize("row", NAMED, ids=str, indirect=True)
def test_what_a_lost_create_left_without_a_mark_is_adopted(bench: Bench):
    bench.row.stranger(bench, {})

    bench.create(expected=True)

    assert bench.seen().mark == bench.here().mark
    assert bench.changes() == ()


def test_what_was_deleted_is_gone(bench: Bench):
    bench.create()

    bench.delete()

    assert bench.read() is None
    assert bench.exists() is None


def test_deleting_what_is_gone_is_success(bench: Bench):
    bench.create()
    bench.delete()

    bench.delete()

    assert bench.read() is None


def test_deleting_what_never_was_is_success(bench: Bench):
    bench.delete()

    assert bench.read() is None


def test_it_can_be_made_again_after_a_delete(bench: Bench):
    bench.create()
    bench.delete()
    bench.forget()

    bench.create()

    assert bench.changes() == ()


def test_a_search_finds_it_by_its_mark_and_tells_stacks_apart(bench: Bench):
    other = bench.other_stack()
    bench.create()
    other.create()

    mine = [found for found in bench.search(bench.place) if found.mark == bench.here().mark]
    marks = {found.mark for found in bench.search(None)}

    if not bench.kind.permissions[Verb.SEARCH]:
        assert (mine, marks) == ([], set())
        return
    assert [(found.ref, found.name) for found in mine] == [(bench.here().ref, bench.name)]
    assert marks == {bench.here().mark, other.here().mark}


def test_a_search_of_one_stack_finds_nothing_of_another(bench: Bench):
    bench.other_stack().create()

    assert [found.mark for found in bench.search(bench.place)] == []


def test_what_a_search_found_is_enough_to_delete_it(bench: Bench):
    if not bench.kind.permissions[Verb.SEARCH]:
        pytest.skip("it falls with what it is inside, which is searched for")
    bench.create()
    bench.forget()
    [found] = bench.search(bench.place)
    bench.outputs = found.outputs

    bench.delete()

    assert bench.read() is None


# The table itself


def test_every_kind_has_one_row():
    assert sorted(row.kind for row in ROWS) == sorted(KINDS.keys() - ONE_PER_STACK)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_mutable_field_is_edited(row: Row):
    one = KINDS[row.kind]
    alone = [edit.keys() & compared(one.spec) for edit in row.edits.values()]

    assert {field for edit in alone if len(edit) == 1 for field in edit} == (
        compared(one.spec) - one.create_only - set(row.fixed)
    )


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_comparable_field_drifts_by_hand(row: Row):
    one = KINDS[row.kind]
    drifting = {field for fields_, _ in row.drifts.values() for field in fields_}
    # Lambda changes a function's processor with its code alone, and somebody else's code is drift already.
    unseen = set(row.fixed) | ({"architecture"} if row.kind == "function" else set())

    assert drifting - {"mark"} == compared(one.spec) - one.create_only - unseen


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_each_verb_needs(kind: str):
    assert set(KINDS[kind].permissions) == set(Verb)


def test_every_gap_of_moto_says_where_it_is_covered():
    assert all(gap.operation and gap.lacks and gap.covered for gap in GAPS)
