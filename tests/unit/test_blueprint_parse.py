"""A whole blueprint: names, parameters, what exists already, needs, circles, outputs, checks; no error has echoes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from blueprint_fakes import TYPES, WEAVERS, LinkSpec, folder, marked, place, read, refused, thing, write

from serverless_cli.blueprint.parse import parse, peek
from serverless_cli.errors import BlueprintError, Exit
from serverless_cli.model import Handout, Late, Ref
from serverless_cli.wiring import Statement

A, B, OLD = Ref("thing", "a"), Ref("thing", "b"), Ref("thing", "old")


@pytest.fixture
def home(tmp_path):
    return folder(tmp_path)


def test_a_blueprint_becomes_a_stack_for_its_place(home):
    stack = read(
        home,
        """\
        name: web
        description: "  Something. "
        resources:
          a: {type: thing}
        """,
    )

    assert stack.place == place("web")
    assert stack.description == "Something."
    assert stack.file == str(home / "blueprint.yaml")
    assert (str(stack.resources[A].where), stack.resources[A].name) == (f"{stack.file}:4:3", "web-dev-a")
    assert stack.warnings == ()


def test_a_doubt_is_a_warning_with_its_place(home):
    stack = read(home, "name: web\nresources:\n  a: {type: thing, label: odd}\n")

    assert [(it.what, it.where.line) for it in stack.warnings] == [("odd label", 3)]


def test_reading_twice_gives_equal_stacks(home):
    text = "name: web\nresources:\n  a: {type: thing, text: '${old.url}'}\n  old: {type: thing, existing: x}\n"

    assert read(home, text) == read(home, text)


def test_resources_come_in_the_order_of_the_file_each_with_its_wiring(home):
    text = """\
        name: web
        resources:
          z: {type: thing, routes: {R: a}}
          old: {type: thing, existing: other}
          a: {type: thing, routes: {R: {to: z}}}
        """

    found = read(home, text).resources

    assert [str(ref) for ref in found] == ["thing z", "link z.a", "thing old", "thing a", "link a.z"]
    assert found[Ref("link", "z.a")].spec == LinkSpec("a")
    assert found[Ref("link", "z.a")].where.column == 20


@pytest.mark.parametrize(
    ("head", "id", "name"),
    [
        pytest.param("type: thing", "a_b", "web-dev-a-b", id="underscores where AWS refuses them"),
        pytest.param("type: thing, name: mine", "a", "mine", id="a name of its own"),
        pytest.param("type: thing, name: 'x-${slx.account}-${param.p}'", "a", "x-123456789012-v", id="a name with references"),
        pytest.param("type: thing", "a" * 40, "web-dev-aaaaaaaaaaaaaaaaaaaaaaa-3c0c7f5c", id="a name that is too long"),
    ],
)  # fmt: skip
def test_names_are_known_before_anything_exists(home, head, id, name):
    stack = read(home, f"name: web\nparameters: {{p: v}}\nresources:\n  {id}: {{{head}}}\n")

    found = stack.resources[Ref("thing", id)].name
    assert len(found) <= 40
    assert found == name or (name.count("-") == 3 and found.startswith(name[:20]))


def test_what_exists_is_kept_apart_and_its_name_is_used(home):
    text = """\
        name: web
        resources:
          old: {type: thing, existing: "${slx.stage}-things"}
          a: {type: thing, text: "${old.name}", links: ["${old.arn}"], routes: {R: old}}
        """

    stack = read(home, text)

    old = stack.resources[OLD]
    assert (old.existing, old.name, old.needs) == (True, "dev-things", frozenset())
    assert thing(stack).text == "dev-things"
    assert thing(stack).links == (Late((Handout(OLD, "arn"),)),)
    assert stack.resources[A].needs == {OLD}


def test_grants_are_made_for_the_arn(home):
    stack = read(home, "name: web\nresources:\n  a: {type: thing}\n  s: {type: strict-thing, must: a}\n")

    granted = stack.resources[Ref("strict-thing", "s")].spec.granted
    assert granted == (Statement(("thing:Get",), ("arn:aws:things:eu-central-1:123456789012:web-dev-a",)),)


@pytest.mark.parametrize("form", ["b", "[b]", "[b, c]"])
def test_depends_on_counts_for_all_resources_of_an_id(home, form):
    text = f"""\
        name: web
        resources:
          a: {{type: thing, depends_on: {form}, routes: {{R: a}}}}
          b: {{type: thing}}
          c: {{type: thing}}
        """

    found = read(home, text).resources

    assert B in found[A].needs
    assert B in found[Ref("link", "a.a")].needs
    assert found[B].needs == frozenset()


def test_retain_is_passed_on(home):
    found = read(
        home, "name: web\nparameters: {keep: 'true'}\nresources:\n  a: {type: thing, retain: '${param.keep}'}\n"
    )

    assert found.resources[A].retain


def test_references_to_what_can_be_computed_make_no_circle(home):
    text = """\
        name: web
        resources:
          a: {type: thing, text: "${b.arn}"}
          b: {type: thing, text: "${a.url}"}
        """

    found = read(home, text).resources

    assert (found[A].needs, found[B].needs) == (frozenset(), {A})


CIRCLES = [
    pytest.param(
        'a: {type: thing, text: "§${b.url}"}\n  b: {type: thing, text: "${a.url}"}',
        ["a → b → a is a circle", "`a` uses ${b.url}; `b` uses ${a.url}"],
        id="two references",
    ),
    pytest.param(
        'a: {type: thing, §depends_on: b}\n  b: {type: thing, inner: {first: "${c.url}"}}\n  c: {type: thing, policy: ["${a.url}"]}',
        ["a → b → c → a", "`a` says `depends_on: b`; `b` uses ${c.url}; `c` uses ${a.url}"],
        id="three, one of them depends_on",
    ),
    pytest.param(
        "a: {type: thing, §depends_on: b}\n  b: {type: thing, depends_on: [a]}\n"
        "  c: {type: thing, §depends_on: d}\n  d: {type: thing, depends_on: [c]}",
        ["a → b → a is a circle", "none of them could be made first"],
        id="two circles at once",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), CIRCLES)
def test_true_circles_are_told_with_their_reasons(home, text, says):
    text, places = marked(f"name: web\nresources:\n  {text}\n")

    found = refused(home, text)

    assert [(p.where.line, p.where.column) for p in found] == places
    for fragment in says:
        assert fragment in f"{found[0].what}: {found[0].why} {found[0].hint}"


# Each mark is the place of one problem; the fragments are those of the problems in the same order.
WRONG = [
    pytest.param("§resources: {}\n", ["`name` is missing"], id="no name"),
    pytest.param("§name:\nresources: {}\n", ["`name` is missing"], id="an empty name"),
    pytest.param("name: §Web\nresources: {}\n", ["`Web` cannot be the name of a stack"], id="a capital in the name"),
    pytest.param("name: §1web\nresources: {}\n", ["cannot be the name"], id="a digit first in the name"),
    pytest.param(f"name: §{'w' * 65}\nresources: {{}}\n", ["at most 64"], id="a name that is too long"),
    pytest.param("name: §[web]\nresources: {}\n", ["`name` wants text, not a list"], id="a list as the name"),
    pytest.param("§name: web\n", ["`resources` is missing"], id="no resources"),
    pytest.param("§name: web\nresources:\n", ["`resources` is missing"], id="empty resources"),
    pytest.param("name: web\nresources: §[a]\n", ["`resources` wants a mapping, not a list"], id="a list of resources"),
    pytest.param("name: web\nresources: {}\n§resorces: {}\n", ["did you mean `resources`?"], id="a section with a typo"),
    pytest.param("name: web\nresources: {}\n§xxxxx: 1\n", ["there are: name, description"], id="an unknown section"),
    pytest.param("name: web\nresources: {}\nchecks: §{}\n", ["`checks` wants a list"], id="a mapping of checks"),
    pytest.param("name: web\nresources:\n  §Aa: {type: thing}\n", ["aa would do"], id="a capital in an id"),
    pytest.param("name: web\nresources:\n  §a.b: {type: thing}\n", ["a-b would do"], id="a dot in an id"),
    pytest.param("name: web\nresources:\n  §param: {type: thing}\n", ["cannot have the id `param`"], id="a reserved id"),
    pytest.param("name: web\nresources:\n  §slx: {type: thing}\n", ["cannot have the id `slx`"], id="another reserved id"),
    pytest.param(f"name: web\nresources:\n  §{'a' * 65}: {{type: thing}}\n", ["at most 64"], id="an id that is too long"),
    pytest.param("name: web\nresources:\n  §a:\n", ["the resource `a` is nothing"], id="an empty resource"),
    pytest.param("name: web\nresources:\n  §a: thing\n", ["the resource `a` is text"], id="a resource that is text"),
    pytest.param("name: web\nresources:\n  §a: {size: 1}\n", ["`type` is missing"], id="no type"),
    pytest.param("name: web\nresources:\n  a: {type: §thnig}\n", ["did you mean `thing`?"], id="a type with a typo"),
    pytest.param("name: web\nresources:\n  a: {type: §strict_thing, x: 1}\n", ["did you mean `strict-thing`?"], id="an underscore in a type"),
    pytest.param("name: web\nresources:\n  a: {type: §zzzzz}\n", ["the types: thing, strict-thing"], id="an unknown type"),
    pytest.param("name: web\nresources:\n  a: {type: §[thing]}\n", ["`type` wants text"], id="a list as type"),
    pytest.param("name: web\nresources:\n  §s: {type: strict-thing}\n", ["`must` is missing: the type strict-thing needs it What it must have."], id="a required key"),
    pytest.param("name: web\nresources:\n  a: {type: thing, retain: §yes}\n", ["`retain` wants true or false"], id="yes as retain"),
    pytest.param("name: web\nresources:\n  a: {type: thing, §name: A}\n", ["AWS would refuse the name `A`"], id="a name that AWS refuses"),
    pytest.param(f"name: web\nresources:\n  a: {{type: thing, §name: {'a' * 41}}}\n", ["has 41 characters"], id="a name over the limit"),
    pytest.param("name: web\nresources:\n  a: {type: thing, name: §[x]}\n", ["`name` wants text"], id="a list as name"),
    pytest.param("name: web\nresources:\n  a: {type: thing, §name: x}\n  b: {type: thing, §name: x}\n", ["`a` and `b` have one name: both would be the thing `x`; the other is on line 4", "`b` and `a` have one name"], id="two with one name"),
    pytest.param("name: web\nresources:\n  §a-b: {type: thing}\n  §a_b: {type: thing}\n", ["have one name", "have one name"], id="two ids that become one name"),
    pytest.param("name: web\nresources:\n  a: {type: thing, §depends_on: bb}\n  b: {type: thing}\n", ["`depends_on` names `bb`"], id="depends_on of an unknown id"),
    pytest.param("name: web\nresources:\n  a: {type: thing, depends_on: [b, §x]}\n  b: {type: thing}\n", ["`depends_on` names `x`"], id="the second of depends_on"),
    pytest.param("name: web\nresources:\n  a: {type: thing, §depends_on: a}\n", ["`a` depends on itself"], id="depends_on of itself"),
    pytest.param("name: web\nresources:\n  a: {type: thing, existing: x, §size: 2, §name: y}\n", ["no room for `size`", "no room for `name`"], id="keys beside existing"),
    pytest.param("name: web\nresources:\n  a: {type: thing, §existing: a b}\n", ["`existing` wants a name"], id="a blank in existing"),
    pytest.param("name: web\nresources:\n  a: {type: thing, §existing: ''}\n", ["`existing` wants a name"], id="an empty existing"),
    pytest.param("name: web\nresources:\n  a: {type: thing, §label: wrong}\n", ["wrong label"], id="what only the type knows"),
    pytest.param("name: web\nparameters:\n  §P: 1\nresources: {}\n", ["cannot be the name of a parameter"], id="a capital in a parameter"),
    pytest.param("name: web\nparameters:\n  p: §[1]\nresources: {}\n", ["the parameter `p` is a list"], id="a list as parameter"),
    pytest.param("name: web\nparameters:\n  p: {§defualt: 1}\nresources: {}\n".replace("p: {", "p: {default: x, "), ["did you mean `default`?"], id="a typo in a parameter"),
    pytest.param("name: web\nparameters:\n  p: {default: x, choices: §x}\nresources: {}\n", ["`choices` wants a list"], id="choices that are no list"),
    pytest.param("name: web\nparameters:\n  §p: {default: x, choices: [y]}\nresources: {}\n", ["is not among its choices"], id="a default beside the choices"),
    pytest.param("name: web\nparameters:\n  §p: {default: x, secret: true}\nresources: {}\n", ["the secret `p` has a default"], id="a secret with a default"),
    pytest.param("name: web\nparameters:\n  §p:\nresources: {}\n", ["give it with -p p=..."], id="a parameter without value"),
    pytest.param("name: web\nresources: {}\noutputs:\n  §1a: x\n", ["cannot be the name of an output"], id="an output's name"),
    pytest.param("name: web\nresources: {}\noutputs:\n  a: §[x]\n", ["the output `a` is a list"], id="a list as output"),
    pytest.param("name: web\nparameters: {p: {secret: true}}\nresources: {}\noutputs:\n  a: §${param.p}\n", ["a secret in the output"], id="a secret as output"),
    pytest.param("name: web\nresources: {}\noutputs:\n  a: x§${b.url}\n", ["no resource has the id `b`"], id="an unknown id in an output"),
    pytest.param("name: web\nresources: {}\nchecks: [§get]\n", ["a check is text"], id="a check that is text"),
    pytest.param("name: web\nresources: {}\nchecks: [{§gte: x}]\n", ["did you mean `get`?"], id="a probe with a typo"),
    pytest.param("name: web\nresources: {}\nchecks: [§{expect: {}}]\n", ["a check without a probe"], id="no probe"),
    pytest.param("name: web\nresources: {}\nchecks: [{get: http://x, §put: http://x}]\n", ["a check with several probes"], id="two probes"),
    pytest.param("name: web\nresources: {}\nchecks: [{get: §ftp://x}]\n", ["`url` cannot be `ftp://x`"], id="no http URL"),
    pytest.param("name: web\nresources: {}\nchecks: [{get: §{}}]\n", ["`url` is missing"], id="a long form without URL"),
    pytest.param("name: web\nresources: {}\nchecks: [{get: {url: http://x, §body: y}}]\n", ["unknown key `body`"], id="a body to get"),
    pytest.param("name: web\nresources: {}\nchecks: [{get: http://x, expect: {§stauts: 200}}]\n", ["did you mean `status`?"], id="an expectation with a typo"),
    pytest.param("name: web\nresources: {}\nchecks: [{get: http://x, expect: {status: §20}}]\n", ["it takes 100 to 599"], id="a status that is none"),
    pytest.param("name: web\nresources: {}\nchecks: [{get: http://x, deadline_s: §0}]\n", ["it takes 1 to 900"], id="no time"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), WRONG)
def test_what_is_wrong_is_told_with_its_place(home, text, says):
    text, places = marked(text)

    found = refused(home, text)

    assert [(p.where.line, p.where.column) for p in found] == places
    for problem, fragment in zip(found, says, strict=True):
        assert fragment in f"{problem.what}: {problem.why} {problem.hint}"
        assert problem.where.text == text.splitlines()[problem.where.line - 1]


def test_everything_is_told_at_once_in_the_order_of_the_file(home):
    text, places = marked("""\
        name: web
        parameters:
          §p: {}
        resources:
          a: {type: §thnig, size: 99}
          b: {type: thing, size: §99, §zzzz: 1, text: "§${c.url}"}
          s: {type: strict-thing, must: x, url: "${a.whatever} ${b.url}"}
          t: {type: thing, §label: wrong, routes: {§Q: nowhere}}
          u: {type: thing, text: "${param.p}", routes: {§R: nowhere}}
        outputs:
          o: §${b.nope} ${a.any}
        """)

    found = refused(home, text)

    assert [(p.where.line, p.where.column) for p in found] == places


def test_a_broken_resource_has_no_echoes(home):
    text, places = marked("""\
        name: web
        resources:
          a: {type: §thnig}
          b: {type: thing, size: §99}
          c: {type: thing, text: "${a.url} ${a.what}", links: ["${b.url}"], routes: {R: a}}
          d: {type: thing, routes: {R: b}}
          e: {type: strict-thing, must: a}
        outputs: {o: "${a.zzz}"}
        checks: [{get: "${a.url}"}]
        """)

    found = refused(home, text)

    assert [(p.where.line, p.where.column) for p in found] == places


def test_the_error_is_a_usage_error_that_counts(home):
    path = write(home, "name: Web\nresources: {a: {type: x}}\n")

    with pytest.raises(BlueprintError, match=r"2 problems in .*blueprint\.yaml") as caught:
        parse(path, place=place, types=TYPES, weavers=WEAVERS)

    assert caught.value.exit_code is Exit.USAGE


def test_hundreds_of_problems_are_cut(home):
    found = refused(home, "name: web\nresources:\n" + "".join(f"  a{n}: {{type: x}}\n" for n in range(300)))

    assert len(found) == 101
    assert found[-1].what == "200 more problems"


def test_a_wrong_stage_is_told(home):
    path = write(home, "name: web\nresources: {}\n")

    with pytest.raises(BlueprintError, match="cannot be a stage"):
        parse(path, place=lambda name: replace(place(name), stage="a-b"), types=TYPES, weavers=WEAVERS)


def test_sections_may_be_empty(home):
    stack = read(home, "name: web\ndescription:\nparameters:\nresources: {}\noutputs:\nchecks:\n")

    assert (stack.resources, stack.outputs, stack.checks) == ({}, {}, ())


@pytest.mark.parametrize("text", ["name: web\nresources: {a: {type: [", "x: {name: y}\nname: web\n"])
def test_peek_reads_the_name_of_a_blueprint_that_is_broken_below(home, text):
    assert peek(write(home, text)) == "web"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("a: 1\nname: §Web\n", "cannot be the name", id="a capital"),
        pytest.param("§a: 1\n", "`name` is missing", id="no name"),
        pytest.param("§name: {}\n", "`name` is missing", id="a mapping"),
        pytest.param("a: §'\n", "the YAML breaks off", id="broken before the name"),
    ],
)
def test_peek_tells_what_is_wrong_with_the_name(home, text, says):
    text, places = marked(text)

    with pytest.raises(BlueprintError) as caught:
        peek(write(home, text))

    (found,) = caught.value.problems
    assert says in found.what
    assert [(found.where.line, found.where.column)] == places
