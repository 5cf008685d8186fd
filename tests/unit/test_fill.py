from dataclasses import replace

from serverless_cli.fill import fill, filled, gaps
from serverless_cli.model import Handout, Late, Ref
from serverless_cli.plan import fill_known
from tests.unit.fakes import KINDS, ThingSpec
from tests.unit.words import bare, late, ref, refs, seen, stack, wish

API = Ref("api", "web")
URL = Handout(API, "url")
ID = Handout(API, "id")


def test_gaps_are_filled_wherever_they_are_nested():
    link = Late((URL, "/hello"))
    spec = ThingSpec(link=link, labels={"a": (link, "plain"), "b": {"c": ThingSpec(link=link)}, link: "key"})

    whole = fill(spec, {API: {"url": "https://x"}})

    hello = "https://x/hello"
    assert whole == ThingSpec(
        link=hello, labels={"a": (hello, "plain"), "b": {"c": ThingSpec(link=hello)}, hello: "key"}
    )
    assert not gaps(whole)


def test_fields_outside_the_difference_are_filled_too():
    assert fill(ThingSpec(steer=Late((URL,))), {API: {"url": "https://x"}}).steer == "https://x"


def test_what_is_not_known_stays_open_with_what_is_known_filled():
    open_ = fill(ThingSpec(link=Late((URL, "?", ID))), {API: {"url": "https://x"}})

    assert gaps(open_) == {ID}
    assert open_.link == "https://x?${web.id}"


def test_texts_with_an_open_gap_are_left_out_where_only_values_count():
    texts = {"url": Late((URL,)), "id": Late((URL, ID)), "plain": "text"}

    assert filled(texts, {API: {"url": "https://x"}}) == {"url": "https://x", "plain": "text"}


def test_a_value_without_gaps_is_returned_as_it_is():
    spec = ThingSpec(labels={"a": (), "b": {}, "c": ("d",)})

    assert fill(spec, {API: {"url": "https://x"}}) is spec


def test_a_value_whose_gaps_nobody_knows_is_returned_as_it_is():
    spec = ThingSpec(link=Late((URL,)))

    assert fill(spec, {}) is spec


def test_gaps_tell_what_is_waited_for():
    spec = replace(ThingSpec(), link=Late((URL,)), labels={"a": (Late((ID, URL)),)})

    assert gaps(spec) == {URL, ID}


# Late values


def test_what_stays_fills_late_values_and_what_is_made_anew_leaves_them_open():
    wanted = stack(
        wish("kept"),
        wish("missing"),
        wish("replaced", spec=ThingSpec(key="new")),
        wish("statement inside", inside="replaced"),
        wish("b", spec=ThingSpec(labels={one: late(one) for one in ("kept", "missing", "replaced")})),
        wish("c", "statement inside", spec=ThingSpec(link=late("statement inside"))),
    )
    observed = refs(
        {
            "kept": seen("kept", id="kept#1"),
            "missing": None,
            "replaced": seen("replaced", id="replaced#1"),
            "statement inside": bare(id="inside#1"),
            "b": None,
            "c": None,
        }
    )

    filled = fill_known(wanted, observed, KINDS).resources

    assert filled[ref("b")].spec.labels == {"kept": "kept#1", "missing": late("missing"), "replaced": late("replaced")}
    assert not isinstance(filled[ref("b")].spec.labels["kept"], Late)
    assert isinstance(filled[ref("b")].spec.labels["replaced"], Late)
    assert isinstance(filled[ref("c")].spec.link, Late)


def test_what_exists_already_fills_late_values_whatever_it_is_like():
    wanted = stack(wish("a", existing=True), wish("b", "a", spec=ThingSpec(link=late("a"))))
    observed = refs({"a": bare(ThingSpec(key="theirs"), id="x"), "b": None})

    filled = fill_known(wanted, observed, KINDS).resources

    assert filled[ref("b")].spec.link == "x"


def test_volatile_outputs_stay_open_only_if_there_is_an_update():
    wanted = wish("stream a", spec=ThingSpec(size=2))
    user = wish("b", "stream a", spec=ThingSpec(link=late("stream a", "stream"), digest=late("stream a")))
    observed = refs({"stream a": seen("a", ThingSpec(size=2), id="a#1", stream="s#1"), "b": None})
    behind = {**observed, ref("stream a"): seen("a", id="a#1", stream="s#1")}

    calm = fill_known(stack(wanted, user), observed, KINDS).resources[ref("b")].spec
    moving = fill_known(stack(wanted, user), behind, KINDS).resources[ref("b")].spec

    assert (calm.link, calm.digest) == ("s#1", "a#1")
    assert isinstance(moving.link, Late)
    assert moving.digest == "a#1"


def test_late_values_in_lists_are_filled():
    """What is recorded of a check has lists where it had tuples."""
    value = {"row": [{"key": late("a")}, "x"]}

    assert gaps(value) == gaps(late("a"))
    assert fill(value, {ref("a"): {"id": "a#1"}}) == {"row": [{"key": "a#1"}, "x"]}
