"""Keys by their declarations: what is taken, and what is said of what is not."""

from __future__ import annotations

import pytest
from blueprint_fakes import (
    BucketTrigger,
    InnerKeys,
    QueueTrigger,
    TargetKeys,
    ThingKeys,
    folder,
    marked,
    read,
    refused,
    thing,
)

from serverless_cli.blueprint.shapes import keys_of, shape


@pytest.fixture
def home(tmp_path):
    return folder(tmp_path)


HEAD = "name: web\nresources:\n"


def keys(home, text):
    return thing(read(home, f"{HEAD}  a: {{type: thing, {text}}}\n"))


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        pytest.param("size: 10", "size", 10, id="a number at its limit"),
        pytest.param("public: true", "public", True, id="a boolean"),
        pytest.param("ratio: 1", "ratio", 1, id="a whole number where decimals may be"),
        pytest.param("mode: slow", "mode", "slow", id="a choice"),
        pytest.param("days: 3", "days", 3, id="one of some numbers"),
        pytest.param("days: null", "days", None, id="nothing where nothing may be"),
        pytest.param("text: 1.10", "text", "1.10", id="a number as text is as it was written"),
        pytest.param("text: 012", "text", "012", id="a code as text keeps its zero"),
        pytest.param("text: no", "text", "no", id="no is a text"),
        pytest.param("text: ''", "text", "", id="an empty text"),
        pytest.param("tags: {A: 1, B: true}", "tags", {"A": "1", "B": "true"}, id="a mapping of texts"),
        pytest.param("links: []", "links", (), id="an empty list"),
        pytest.param("links: [x, y]", "links", ("x", "y"), id="a list"),
        pytest.param("policy: {b: [1, {}], a: null}", "policy", '{"a":null,"b":[1,{}]}', id="JSON is canonical"),
        pytest.param("policy: text", "policy", '"text"', id="JSON may be a text"),
        pytest.param("inner: {first: x, count: 5}", "inner", InnerKeys(first="x", count=5), id="nested keys"),
        pytest.param("routes: {R: a}", "routes", {"R": "a"}, id="the short form"),
        pytest.param("routes: {R: {to: a}}", "routes", {"R": TargetKeys(to="a")}, id="the long form"),
        pytest.param(
            "triggers: [{queue: q, batch_size: 2}, {bucket: b, events: [removed]}]",
            "triggers",
            (QueueTrigger(queue="q", batch_size=2), BucketTrigger(bucket="b", events=("removed",))),
            id="several kinds of entries, told apart by their keys",
        ),
        pytest.param("definition: {States: {}}", "definition", '{"States":{}}', id="inline instead of a file"),
        pytest.param("from: there", "from_", "there", id="a key that is a word of Python"),
    ],
)
def test_values_are_read_as_declared(home, text, key, value):
    found = keys(home, text)

    assert getattr(found, key) == value
    assert type(getattr(found, key)) is type(value)


@pytest.mark.parametrize(
    ("text", "key", "path"),
    [
        pytest.param("folder: code", "folder", "code", id="a folder"),
        pytest.param("folder: ./code/", "folder", "code", id="a folder with dot and slash"),
        pytest.param("folder: in", "folder", "code", id="a link to a folder inside"),
        pytest.param("folder: .", "folder", ".", id="the blueprint's own folder"),
        pytest.param("file: code/app.py", "file", "code/app.py", id="a file"),
        pytest.param("definition: ./code/app.py", "definition", "code/app.py", id="a file instead of inline"),
    ],
)
def test_paths_become_absolute(home, text, key, path):
    found = keys(home, text)

    assert getattr(found, key) == str((home / path).resolve())


WRONG = [
    pytest.param("§sice: 1", "unknown key `sice`: the type thing has no such key did you mean `size`?", id="a typo"),
    pytest.param("§zzzzzzzzz: 1", "its keys: size, label", id="an unknown key"),
    pytest.param("§Size: 1", "did you mean `size`?", id="a capital"),
    pytest.param("size: §0", "`size` cannot be 0: it takes 1 to 10", id="too small"),
    pytest.param("size: §11", "it takes 1 to 10", id="too large"),
    pytest.param("size: §-1", "it takes 1 to 10", id="negative"),
    pytest.param("size: §two", "`size` wants a whole number, not text `two`", id="text for a number"),
    pytest.param("size: §'2'", "write 2 without quotes", id="a number in quotes"),
    pytest.param("size: §02", "a number does not begin with 0 write 2", id="a number with a zero first"),
    pytest.param("size: §1.5", "`size` wants a whole number, not a number `1.5`", id="a decimal for a whole number"),
    pytest.param("size: §true", "wants a whole number", id="a boolean for a number"),
    pytest.param("size: §[1]", "`size` wants a whole number, not a list", id="a list for a number"),
    pytest.param("size: §{x: 1}", "`size` wants a whole number, not a mapping", id="a mapping for a number"),
    pytest.param("size: §", "`size` is empty: it wants a whole number", id="nothing for a number"),
    pytest.param("size: §99999999999999999999999999999999999999", "wants a whole number", id="an endless number"),
    pytest.param("ratio: §1.1", "it takes 0 to 1", id="a decimal out of range"),
    pytest.param("ratio: §x", "`ratio` wants a number", id="text for a decimal"),
    pytest.param("public: §yes", "`public` wants true or false, not `yes`:  write true", id="yes for true"),
    pytest.param("public: §off", "write false", id="off for false"),
    pytest.param("public: §'true'", "write true", id="a boolean in quotes"),
    pytest.param("public: §1", "`public` wants true or false, not `1`", id="one for true"),
    pytest.param("mode: §fsat", "did you mean `fast`?", id="a choice with a typo"),
    pytest.param("mode: §1", "it is one of fast, slow", id="a number for a choice"),
    pytest.param("days: §2", "it is one of 1, 3, 7", id="none of the numbers"),
    pytest.param("label: §ABC", "`label` cannot be `ABC`: wanted: small letters", id="a text of another form"),
    pytest.param("label: §x", "`label` is 1 characters long: it takes 2 to 8", id="a text that is too short"),
    pytest.param("label: §abcdefghi", "9 characters long", id="a text that is too long"),
    pytest.param("label: §", "`label` is empty", id="nothing for a text"),
    pytest.param("label: §[x]", "`label` wants text, not a list", id="a list for a text"),
    pytest.param("tags: {§a: x}", "`a` cannot be a key of `tags`: wanted: capitals", id="a key of another form"),
    pytest.param("tags: {A: §[x]}", "`A` wants text, not a list", id="a list in a mapping of texts"),
    pytest.param("tags: {A: §}", "`A` is empty", id="nothing in a mapping of texts"),
    pytest.param("tags: §[A]", "`tags` wants a mapping, not a list", id="a list for a mapping"),
    pytest.param("links: §x", "`links` wants a list, not text:  write a list", id="a text for a list"),
    pytest.param("links: §[a, b, c, d]", "`links` has 4 entries: it takes 0 to 3", id="a list that is too long"),
    pytest.param("links: [a, §{b: c}]", "`links` wants text, not a mapping", id="a mapping in a list of texts"),
    pytest.param("inner: §{}", "`first` is missing: `inner` needs it The first.", id="a nested key that is missing"),
    pytest.param("inner: {first: x, §cuont: 1}", "did you mean `count`?", id="a nested key with a typo"),
    pytest.param("inner: {first: x, count: §9}", "it takes 0 to 5", id="a nested number out of range"),
    pytest.param("inner: §x", "`inner` wants a mapping, not text:  its keys: first, count", id="a text for nested keys"),
    pytest.param("routes: §{}", "`routes` has 0 entries", id="a mapping that must not be empty"),
    pytest.param("routes: {R: §[x]}", "`R` wants text or a mapping, not a list", id="neither short nor long form"),
    pytest.param("routes: {R: §{payload: x}}", "`to` is missing: `R` needs it", id="a long form that lacks its key"),
    pytest.param("routes: {R: {§too: x}}", "did you mean `to`?", id="a long form whose key has a typo"),
    pytest.param("triggers: [{queue: q, §batchsize: 1}]", "did you mean `batch_size`?", id="an entry with a typo"),
    pytest.param("triggers: [{bucket: b, events: [§made]}]", "it is one of created, removed", id="a choice in an entry"),
    pytest.param("triggers: [§q]", "`triggers` wants a mapping, not text", id="a text for an entry"),
    pytest.param("folder: §cod", "`folder` cannot be `cod`: there is no such folder", id="a folder that is missing"),
    pytest.param("folder: §code/app.py", "it is a file, not a folder", id="a file for a folder"),
    pytest.param("folder: §code/app.py/x", "a file, not a folder", id="a folder in a file"),
    pytest.param("folder: §../outside", "`..` leaves the blueprint's folder", id="a path out of the folder"),
    pytest.param("folder: §code/../code", "`..` leaves", id="a path out and in again"),
    pytest.param("folder: §/etc", "an absolute path", id="an absolute path"),
    pytest.param("folder: §~/x", "an absolute path", id="a home folder"),
    pytest.param("folder: §'C:\\x'", "an absolute path", id="a drive of Windows"),
    pytest.param("folder: §'code\\x'", "write code/x", id="backslashes"),
    pytest.param("folder: §''", "a path cannot be empty", id="an empty path"),
    pytest.param("folder: §out", "a link in it leads out", id="a link out of the folder"),
    pytest.param("folder: §out/x", "there is no such folder", id="a path below a link out"),
    pytest.param("folder: §loop", "it cannot be followed", id="links in a circle"),
    pytest.param('folder: §"a\\0b"', "it cannot be followed", id="a NUL byte in a path"),
    pytest.param("folder: §" + "x" * 300, "it cannot be followed", id="a path that is too long"),
    pytest.param("file: §code", "it is a folder, not a file", id="a folder for a file"),
    pytest.param("file: §cod", "there is no such file", id="a file that is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), WRONG)
def test_wrong_values_are_told_with_their_place(home, text, says):
    text, places = marked(f"{HEAD}  a: {{type: thing, {text}}}\n")

    found = refused(home, text)

    # what is missing and what is there instead may both be said; the first mark is the first problem
    assert (found[0].where.line, found[0].where.column) == places[0]
    assert says in f"{found[0].what}: {found[0].why} {found[0].hint}"


@pytest.mark.parametrize("hint", [list[str], set[str], object, tuple[str, int]], ids=repr)
def test_declarations_that_the_language_lacks_are_refused(hint):
    with pytest.raises(TypeError, match=r"keys\.py"):
        shape(hint)


def test_keys_know_whether_they_are_required_and_what_they_mean():
    found = keys_of(ThingKeys)

    assert list(found)[:2] == ["size", "label"]
    assert (found["size"].doc, found["size"].default, found["size"].required) == ("How large it is.", 1, False)
    assert found["from"].field == "from_"
