from dataclasses import replace

from serverless_cli.fill import fill, gaps
from serverless_cli.model import Handout, Late, Ref
from tests.unit.fakes import ThingSpec

API = Ref("api", "web")
URL = Handout(API, "url")
ID = Handout(API, "id")


def test_gaps_are_filled_wherever_they_are_nested():
    link = Late((URL, "/hello"))
    spec = ThingSpec(link=link, labels={"a": (link, "plain"), "b": {"c": ThingSpec(link=link)}, link: "key"})

    filled = fill(spec, {API: {"url": "https://x"}})

    hello = "https://x/hello"
    assert filled == ThingSpec(
        link=hello, labels={"a": (hello, "plain"), "b": {"c": ThingSpec(link=hello)}, hello: "key"}
    )
    assert not gaps(filled)


def test_fields_outside_the_difference_are_filled_too():
    assert fill(ThingSpec(steer=Late((URL,))), {API: {"url": "https://x"}}).steer == "https://x"


def test_what_is_not_known_stays_open_with_what_is_known_filled():
    filled = fill(ThingSpec(link=Late((URL, "?", ID))), {API: {"url": "https://x"}})

    assert gaps(filled) == {ID}
    assert filled.link == "https://x?${web.id}"


def test_a_value_without_gaps_is_returned_as_it_is():
    spec = ThingSpec(labels={"a": (), "b": {}, "c": ("d",)})

    assert fill(spec, {API: {"url": "https://x"}}) is spec


def test_a_value_whose_gaps_nobody_knows_is_returned_as_it_is():
    spec = ThingSpec(link=Late((URL,)))

    assert fill(spec, {}) is spec


def test_gaps_tell_what_is_waited_for():
    spec = replace(ThingSpec(), link=Late((URL,)), labels={"a": (Late((ID, URL)),)})

    assert gaps(spec) == {URL, ID}
