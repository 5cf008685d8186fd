"""References in texts: how they are written, what they become, and what is said of wrong ones."""

from __future__ import annotations

import pickle

import pytest
from blueprint_fakes import folder, marked, read, refused, thing

from serverless_cli.blueprint.refs import Malformed, Reference, split
from serverless_cli.model import Handout, Late, Ref
from serverless_cli.secret import Secret


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        pytest.param("plain", ["plain"], id="no reference"),
        pytest.param("", [], id="nothing"),
        pytest.param("${a.url}", ["a.url@0"], id="a reference alone"),
        pytest.param("x${a.b}y${param.c-d}z", ["x", "a.b@1", "y", "param.c-d@8", "z"], id="references in a text"),
        pytest.param("$${a.b}", ["${", "a.b}"], id="a literal"),
        pytest.param("$$${a.b}", ["$", "${", "a.b}"], id="a dollar before a literal"),
        pytest.param("$ $x $(y) {z} $", ["$ $x $(y) {z} $"], id="dollars and braces of others"),
        pytest.param("${a}", ["!${a}"], id="an id alone"),
        pytest.param("${}", ["!${}"], id="nothing in it"),
        pytest.param("${a.b.c}", ["!${a.b.c}"], id="three parts"),
        pytest.param("${a.b", ["!${a.b"], id="not closed"),
        pytest.param("${a.b ${c.d}", ["!${a.b ", "c.d@6"], id="not closed before another"),
        pytest.param("${ a.b }", ["!${ a.b }"], id="blanks"),
        pytest.param("${{ a.b }}", ["!${{ a.b }", "}"], id="as GitHub Actions writes it"),
        pytest.param("${1.b}", ["!${1.b}"], id="a digit first"),
    ],
)
def test_texts_are_split_at_references(text, pieces):
    found = split(text)

    assert [_short(piece) for piece in found] == pieces


def _short(piece):
    match piece:
        case Reference():
            return f"{piece.owner}.{piece.name}@{piece.offset}"
        case Malformed():
            return f"!{piece.text}"
    return piece


@pytest.fixture
def home(tmp_path):
    return folder(tmp_path)


HEAD = """\
name: web
parameters:
  word: {default: hi}
  size: {default: 3}
  open: {default: "true"}
  pw: {secret: true}
  none: {secret: true}
resources:
  b: {type: thing}
  old: {type: thing, existing: old-name}
"""


def stack(home, keys):
    given = {"pw": "s3cret"}
    return read(home, f"{HEAD}  a: {{type: thing, {keys}}}\n", parameters=given)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("${param.word} there", "hi there", id="a parameter"),
        pytest.param("${slx.stack}.${slx.stage}.${slx.region}.${slx.account}", "web.dev.eu-central-1.123456789012", id="the run"),
        pytest.param("${b.name}", "web-dev-b", id="a predicted name"),
        pytest.param("${b.arn}", "arn:aws:things:eu-central-1:123456789012:web-dev-b", id="a predicted ARN"),
        pytest.param("${a.name}", "web-dev-a", id="its own name"),
        pytest.param("${old.name}", "old-name", id="the name of something existing"),
        pytest.param("$${b.url}", "${b.url}", id="a literal"),
    ],
)  # fmt: skip
def test_what_can_be_computed_is_plain_text(home, text, value):
    found = thing(stack(home, f'text: "{text}"'))

    assert found.text == value
    assert type(found.text) is str


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("${b.url}", (Handout(Ref("thing", "b"), "url"),), id="alone"),
        pytest.param("x/${b.url}/${param.word}", ("x/", Handout(Ref("thing", "b"), "url"), "/", "hi"), id="in a text"),
        pytest.param("${old.arn}", (Handout(Ref("thing", "old"), "arn"),), id="what only holds for our own"),
    ],
)
def test_what_aws_hands_out_is_late_and_an_edge(home, text, parts):
    found = stack(home, f'text: "{text}"')

    late = thing(found).text
    assert isinstance(late, Late)
    assert late.parts == parts
    assert found.resources[Ref("thing", "a")].needs == late.needs


def test_edges_are_found_in_lists_mappings_json_and_nested_keys(home):
    keys = (
        'links: ["${b.url}"], tags: {A: "${b.url}"}, policy: {x: ["${b.url}"]}, '
        'inner: {first: "${b.url}"}, routes: {R: {to: b, payload: "${b.url}"}}'
    )

    found = stack(home, keys)

    keys = thing(found)
    values = [keys.links[0], keys.tags["A"], keys.policy, keys.inner.first, keys.routes["R"].payload]
    assert all(isinstance(value, Late) for value in values)
    assert found.resources[Ref("thing", "a")].needs == {Ref("thing", "b")}


def test_json_with_references_is_canonical_and_filled_later(home):
    found = thing(stack(home, 'policy: {z: 1, a: ["${b.url}\\"", null, true, 1.5], "q\\"": "${param.word}"}')).policy

    filled = found.fill({Ref("thing", "b"): {"url": "https://x"}})
    assert filled == '{"a":["https://x\\"",null,true,1.5],"q\\"":"hi","z":1}'


def test_a_reference_as_a_key_is_refused_at_its_place(home):
    keys = 'policy: {outer: {"${b.url}": 1, "$${b.url}": 2}}'

    (problem,) = refused(home, f"{HEAD}  a: {{type: thing, {keys}}}\n", parameters={"pw": "s3cret"})

    assert "cannot be a key" in problem.what
    assert problem.where is not None


def test_references_alone_become_numbers_and_booleans(home):
    found = thing(stack(home, 'size: "${param.size}", public: "${param.open}", ratio: "0.${param.size}"'))

    assert (found.size, found.public, found.ratio) == (3, True, 0.3)


def test_secrets_stay_secret_and_know_whether_they_were_given(home):
    found = thing(stack(home, 'text: "<${param.pw}>", tags: {A: "${param.none}"}, policy: {p: "${param.pw}"}'))

    assert isinstance(found.text, Secret)
    assert (found.text == "<s3cret>", found.text.known) == (True, True)
    assert isinstance(found.tags["A"], Secret)
    assert not found.tags["A"].known
    assert isinstance(found.policy, Secret)
    assert found.policy == '{"p":"s3cret"}'
    assert "s3cret" not in repr(found)
    assert pickle.loads(pickle.dumps(found.text)).known


WRONG = [
    pytest.param('text: "§${c.url}"', "no resource has the id `c`", id="an unknown id"),
    pytest.param('text: "x ${b.url} §${ol.url}"', "did you mean `old`?", id="an id with a typo"),
    pytest.param('text: "§${b.ulr}"', "did you mean `url`?", id="an attribute with a typo"),
    pytest.param('text: "§${b.zzzzzz}"', "its attributes: name, arn, url", id="an unknown attribute"),
    pytest.param('text: "§${param.wort}"', "did you mean `word`?", id="a parameter with a typo"),
    pytest.param('text: "§${param.zzzz}"', "declare it", id="an unknown parameter"),
    pytest.param('text: "§${slx.stag}"', "did you mean `stage`?", id="a word of slx with a typo"),
    pytest.param('text: "§${slx.qqqq}"', "there are: stage, region", id="an unknown word of slx"),
    pytest.param('text: "§${parm.word}"', "did you mean `param`?", id="param with a typo"),
    pytest.param('text: "§${b}"', "${id.attribute}", id="an id alone"),
    pytest.param('text: "§${b.url.x}"', "is no reference", id="three parts"),
    pytest.param('text: "x§${b.url"', "no closing }", id="not closed"),
    pytest.param('text: "§${ b.url }"', "write ${b.url}", id="blanks"),
    pytest.param('text: "§${{ b.url }}"', "write ${b.url}", id="two braces"),
    pytest.param('text: "${b.url} §${b.ulr}"', "unknown reference", id="the second in a text"),
    pytest.param('text: "$${b.ulr} §${b.ulr}"', "unknown reference", id="the like after a literal"),
    pytest.param('links: [x, "§${b.ulr}"]', "unknown reference", id="in a list"),
    pytest.param('policy: {x: {y: ["§${b.ulr}"]}}', "unknown reference", id="in JSON"),
    pytest.param('label: "§${b.url}"', "AWS hands it out when b is made", id="late where it must be known"),
    pytest.param('size: "§${b.url}"', "has no place in `size`", id="late in a number"),
    pytest.param('frozen: §{x: "${b.url}"}', "has no place in `frozen`", id="late in JSON that must be known"),
    pytest.param('folder: §"${param.pw}"', "a secret has no place in `folder`", id="a secret as a path"),
    pytest.param('size: §"${param.pw}"', "a secret has no place in `size`", id="a secret as a number"),
    pytest.param('text: §"${param.pw}${b.url}"', "a secret and what AWS hands out", id="a secret and late in one text"),
    pytest.param('frozen: {a: [§"${param.pw}"]}', "a secret has no place in `frozen`", id="a secret within JSON that all may see"),
    pytest.param('inner: {first: §"${param.pw}"}', "a secret has no place in `first`", id="a secret in a text that all may see"),
    pytest.param('policy: §{a: "${param.pw}", b: "${b.url}"}', "a secret and what AWS hands out in one `policy`", id="a secret and late in one JSON"),
    pytest.param('label: §"${param.pw}"', "cannot be the secret", id="a secret of the wrong form is not shown"),
    pytest.param('size: §"${param.word}"', "`size` wants a whole number, not text `hi`", id="a text for a number"),
    pytest.param('public: §"${param.size}"', "`public` wants true or false", id="a number for a boolean"),
    pytest.param('size: §"1${param.size}"', "it takes 1 to 10", id="a number out of range"),
    pytest.param('name: "§${b.name}"', "may only use ${param.name}", id="a resource in a name"),
    pytest.param('name: §"${param.pw}"', "a secret has no place in `name`", id="a secret in a name"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "says"), WRONG)
def test_wrong_references_are_located_at_their_column(home, keys, says):
    text, places = marked(f"{HEAD}  a: {{type: thing, {keys}}}\n")

    found = refused(home, text, parameters={"pw": "s3cret"})

    assert [(p.where.line, p.where.column) for p in found if p.where] == places
    assert says in f"{found[0].what}: {found[0].why} {found[0].hint}"
    assert "s3cret" not in str(found)


def test_a_reference_in_a_block_text_has_its_own_line(home):
    text, places = marked("""\
        name: web
        resources:
          a:
            type: thing
            text: |
              one
              two §${a.ulr} and §${a.}
        """)

    found = refused(home, text)

    assert [(p.where.line, p.where.column) for p in found] == places
    assert found[0].where.text == "      two ${a.ulr} and ${a.}"
