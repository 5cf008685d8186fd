"""YAML text to located nodes: YAML 1.2's values, humane errors, and bounds on everything."""

from __future__ import annotations

import time

import pytest
import yaml
from blueprint_fakes import marked, write

from serverless_cli.blueprint.load import PARSER, first, load
from serverless_cli.blueprint.nodes import MappingNode, Node, Scalar, Sequence
from serverless_cli.blueprint.problems import Problems
from serverless_cli.errors import BlueprintError


def tree(node: Node) -> object:
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [tree(item) for item in node.items]
        case MappingNode():
            return {key: tree(item) for key, item in node.items.items()}
    return node


def problems_of(path, parser=PARSER):
    found = Problems()
    try:
        load(path, found, parser)
        found.check()
    except BlueprintError as error:
        return error.problems
    return ()


@pytest.fixture(params=[pytest.param(PARSER, id="libyaml"), pytest.param(yaml.SafeLoader, id="python")])
def parser(request):
    return request.param


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("no", "no", id="no is the country, not false"),
        pytest.param("yes", "yes", id="yes is text"),
        pytest.param("on", "on", id="on is text"),
        pytest.param("off", "off", id="off is text"),
        pytest.param("true", True, id="true is true"),
        pytest.param("False", False, id="False is false"),
        pytest.param("~", None, id="a tilde is nothing"),
        pytest.param("null", None, id="null is nothing"),
        pytest.param("", None, id="an empty value is nothing"),
        pytest.param("''", "", id="an empty quoted value is text"),
        pytest.param("12", 12, id="a whole number"),
        pytest.param("-12", -12, id="a negative number"),
        pytest.param("1.5", 1.5, id="a decimal number"),
        pytest.param("1e3", 1000.0, id="an exponent"),
        pytest.param("1e999", "1e999", id="what no float can hold stays text"),
        pytest.param(".inf", ".inf", id="infinity is no JSON and stays text"),
        pytest.param("'12'", "12", id="quotes make text"),
        pytest.param("!!str 12", "12", id="the str tag makes text"),
        pytest.param("!!int 12", 12, id="the int tag on a number"),
        pytest.param("010", "010", id="a leading zero is kept, never octal"),
        pytest.param("012345678901", "012345678901", id="an account id keeps its zero"),
        pytest.param("0x1f", 31, id="hexadecimal"),
        pytest.param("0o17", 15, id="octal as YAML 1.2 writes it"),
        pytest.param("12:30", "12:30", id="a time is text, not 750"),
        pytest.param("1_000", "1_000", id="underscores are text"),
        pytest.param("2024-01-01", "2024-01-01", id="a date is text"),
        pytest.param("=", "=", id="an equals sign is text"),
        pytest.param("9" * 5000, "9" * 5000, id="endless digits stay text"),
        pytest.param("|\n  a\n  b\n", "a\nb\n", id="a block text"),
        pytest.param("[1, a]", [1, "a"], id="a list"),
        pytest.param("{b: 1}", {"b": 1}, id="a mapping"),
    ],
)
def test_plain_values_mean_what_yaml_1_2_says(tmp_path, parser, text, value):
    root = load(write(tmp_path, f"a: {text}\n"), Problems(), parser)

    assert tree(root) == {"a": value}
    assert type(tree(root)["a"]) is type(value)


def test_keys_like_on_stay_text(tmp_path):
    root = load(write(tmp_path, "on: 1\nno: 2\nGET: no\n"), Problems())

    assert tree(root) == {"on": 1, "no": 2, "GET": "no"}


def test_anchors_and_merge_keys_repeat_values(tmp_path):
    text = """\
        a: &base {x: 1, y: 2}
        b: *base
        c: {<<: *base, y: 3}
        d: {<<: [*base, {z: 4}]}
        e: {"<<": 5}
        """

    root = load(write(tmp_path, text), Problems())

    assert tree(root) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 2},
        "c": {"x": 1, "y": 3},
        "d": {"x": 1, "y": 2, "z": 4},
        "e": {"<<": 5},
    }


def test_nodes_know_their_line_and_column_and_its_text(tmp_path, parser):
    path = write(tmp_path, b"\xef\xbb\xbfa: 1\r\nb:\r\n  - \xc3\xa4: [x, 'y']\r\n")

    root = load(path, Problems(), parser)
    item = root.items["b"].items[0]

    assert str(root.at("a")) == f"{path}:1:1"
    assert str(item.where) == f"{path}:3:5"
    assert str(item.items["ä"].items[1].where) == f"{path}:3:12"
    assert item.where.text == "  - ä: [x, 'y']"


SYNTAX = [
    pytest.param("a: 1\na§: 2\n".replace("a§", "§a"), ["the key `a` twice"], id="a key twice"),
    pytest.param("a: {b: 1, §b: 2, §b: 3}\n", ["on line 1 already"] * 2, id="a key three times"),
    pytest.param("a: 1\n§1: 2\n", ["the key `1` is a number"], id="a number as a key"),
    pytest.param("§true: 2\n", ["the key `true` is true or false"], id="a boolean as a key"),
    pytest.param("a: {§: 2}\n", ["a key or value is missing"], id="no key"),
    pytest.param("a: {§{X}}\n", ["a mapping as a key"], id="braces without quotes"),
    pytest.param("§? [a]\n: b\n".replace("§? ", "? §"), ["a list as a key"], id="a list as a key"),
    pytest.param("a: §!Sub x\n", ["the tag `!Sub`"], id="a CloudFormation tag"),
    pytest.param("a: §!Ref {b: 1}\n", ["the tag `!Ref`"], id="a tag on a mapping"),
    pytest.param("a: §!GetAtt [b]\n", ["the tag `!GetAtt`"], id="a tag on a list"),
    pytest.param("a: §!!python/object:os.system x\n", ["slx has no tags"], id="a tag that makes objects"),
    pytest.param("a: §!!int x\n", ["the tag `!!int`"], id="a tag that does not fit"),
    pytest.param("a: §!!binary aGk=\n", ["slx has no tags"], id="a binary tag"),
    pytest.param("<<: §5\n", ["`<<` wants a mapping"], id="a merge key on a number"),
    pytest.param("a: §*b\n", ["unknown alias `*b`"], id="an alias without anchor"),
    pytest.param("a: &abc 1\nb: §*abd\n", ["unknown alias"], id="an alias with a typo"),
    pytest.param("a: &x [§*x]\n", ["contains itself"], id="an alias within itself"),
    pytest.param("a: &x {b: {c: §*x}}\n", ["contains itself"], id="an alias deep within itself"),
    pytest.param("a: 1\n§---\nb: 2\n", ["a second YAML document"], id="two documents"),
    pytest.param("§- a\n", ["the file is a list"], id="a list at the top"),
    pytest.param("§hello\n", ["the file is text"], id="text at the top"),
    pytest.param("§12\n", ["the file is a number"], id="a number at the top"),
    pytest.param("§", ["the file is empty"], id="an empty file"),
    pytest.param("§# nothing\n", ["the file is empty"], id="only a comment"),
    pytest.param("§---\n...\n", ["the file is empty"], id="an empty document"),
    pytest.param("a: §*.jpg\n".replace("§*", "*§"), ["`*` and `&` begin an alias"], id="a star without quotes"),
    pytest.param("a: §@x\n", ["cannot begin a value"], id="an at sign"),
    pytest.param("a:\n§\t- b\n", ["a tab in the indentation"], id="a tab as indentation"),
    pytest.param("a: b§: c\n", ["a `:` where no key can be"], id="a colon in a text"),
    pytest.param("a: 1\n  b§: 2\n", ["a `:` where no key can be"], id="a key below a value"),
    pytest.param('a: §"x\n', ["never closed"], id="an open quote"),
    pytest.param("a: 'x' §y\n", ["text after a closing quote"], id="text after a quote"),
    pytest.param("a: [1, $§{x.y}]\n", ["inside { } and [ ] a reference needs quotes"], id="a bare reference in a list"),
    pytest.param("a:\n  b: 1\n §c: 2\n", ["the indentation does not fit"], id="a key between two levels"),
    pytest.param("a: >§x\n  b\n", ["beside its `|` or `>`"], id="text beside a block mark"),
    pytest.param("a: \0§".replace("\0§", "§\0"), ["a NUL byte"], id="a NUL byte"),
    pytest.param("a: x\n# §\x07\n", ["the control character U+0007"], id="a control character"),
    pytest.param("a: §\x9bx\n", ["the control character U+009B"], id="a C1 control character"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), SYNTAX)
def test_broken_yaml_is_told_with_its_place(tmp_path, parser, text, says):
    text, places = marked(text)

    found = problems_of(write(tmp_path, text.encode()), parser)

    assert [(p.where.line, p.where.column) for p in found] == places
    for problem, fragment in zip(found, says, strict=True):
        assert fragment in f"{problem.what}: {problem.why} {problem.hint}"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        pytest.param("a: ü\n".encode("latin-1"), "not UTF-8", id="latin-1"),
        pytest.param("a: 1\n".encode("utf-16"), "UTF-16", id="UTF-16"),
        pytest.param(b"a: " + b"x" * 1_000_001, "too large", id="a megabyte and more"),
        pytest.param(b"[" * 900_000, "too deep", id="nothing but brackets"),
        pytest.param(b"- " * 400_000, "too deep", id="nothing but dashes"),
        pytest.param(b"{a: " * 200_000, "too deep", id="nothing but mappings"),
        pytest.param(b"a: [" + b"1," * 400_000 + b"]", "too many values", id="an endless list"),
        pytest.param(
            b"a: &a [1,1,1,1,1,1,1,1,1,1]\n"
            + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 10)) for c in b"bcdefghijkl"),
            "too many values",
            id="a bomb of aliases",
        ),
        pytest.param(
            b"a: &a {" + b", ".join(b"k%d: 1" % n for n in range(999)) + b"}\n"
            + b"".join(b"m%d: {<<: *a}\n" % n for n in range(5000)),
            "too many values",
            id="a bomb of merge keys",
        ),
        pytest.param(
            b"a: &a [[[[[[[[[[1]]]]]]]]]]\n"
            + b"".join(b"%c: &%c [[[[[[[[[[*%c]]]]]]]]]]\n" % (c, c, c - 1) for c in b"bcdefgh"),
            "too deep",
            id="depth by aliases",
        ),
    ],
)  # fmt: skip
def test_files_out_of_bounds_are_refused_quickly(tmp_path, parser, raw, says):
    path = write(tmp_path, raw)

    began = time.perf_counter()
    found = problems_of(path, parser)

    assert says in found[0].what
    assert time.perf_counter() - began < 20  # the parser in Python takes its time; libyaml needs a tenth of it


def test_a_byte_that_is_not_utf_8_is_located(tmp_path):
    (problem,) = problems_of(write(tmp_path, b"a: 1\nb: \xc3\xa4\xff\n"))

    assert (problem.where.line, problem.where.column) == (2, 5)


@pytest.mark.parametrize(("name", "says"), [("none.yaml", "does not exist"), (".", "is not a file")])
def test_what_is_no_file_is_told(tmp_path, name, says):
    (problem,) = problems_of(tmp_path / name)

    assert says in problem.what
    assert problem.hint == "give the path of a blueprint, or copy one: slx init website"
    assert problem.where is None


def test_a_first_problem_does_not_hide_the_next(tmp_path):
    found = problems_of(write(tmp_path, "a: 1\na: 2\nb: !Sub x\n3: 4\nc: *d\n"))

    assert [p.where.line for p in found] == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("name: web\nresources: [", ("web", 7), id="the rest is broken"),
        pytest.param("a: {name: no}\nb: [name, x]\nname: web\n", ("web", 7), id="others are nested"),
        pytest.param("a: name\nname: web\n", ("web", 7), id="a value of that word"),
        pytest.param("name: {x: y}\nz: 1\n", None, id="it is no text"),
        pytest.param("a: 1\n", None, id="there is none"),
        pytest.param("[" * 300_000, None, id="it is too deep to go on"),
    ],
)
def test_first_reads_one_text_at_the_top(tmp_path, text, found):
    seen = first(write(tmp_path, text), "name")

    assert (seen and (seen[0], seen[1].column)) == found
