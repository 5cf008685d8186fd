from dataclasses import dataclass, field

import pytest

from serverless_cli.model import Handout, Late, Mark, Ref, Spec, State
from serverless_cli.secret import Secret
from serverless_cli.ui.values import plain, shown

API = Handout(Ref("http-api", "api"), "url")


@dataclass(frozen=True, slots=True)
class SampleSpec(Spec):
    size: int
    name: str
    folder: str = field(default="/home/me", compare=False)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, "none", id="nothing"),
        pytest.param(True, "true", id="a boolean as YAML writes it"),
        pytest.param(128, "128", id="a number"),
        pytest.param("", '""', id="an empty text is seen"),
        pytest.param(" a", '" a"', id="white space at the end is seen"),
        pytest.param(("a", 1), "[a, 1]", id="a list"),
        pytest.param({"a": {"b": None}}, "{a: {b: none}}", id="nested mappings"),
        pytest.param(SampleSpec(1, "x"), "{size: 1, name: x}", id="a spec without what only steers"),
        pytest.param(State.DRIFTED, "drifted", id="an enum"),
        pytest.param(Mark("shop", "dev", "r", "hello"), "shop/dev hello", id="a mark"),
        pytest.param(Late((API,)), "(known after api)", id="what AWS will hand out"),
        pytest.param(Late((API, "/hello")), "${api.url}/hello (known after api)", id="text with a gap"),
    ],
)
def test_values_are_shown_as_a_user_would_write_them(value: object, expected: str) -> None:
    assert shown(value) == expected


SECRETS = [
    pytest.param(Secret("hunter2"), id="alone"),
    pytest.param(("a", Secret("hunter2")), id="in a list"),
    pytest.param({"a": {"b": Secret("hunter2")}}, id="deep in a mapping"),
    pytest.param(SampleSpec(1, Secret("hunter2")), id="in a spec"),
    pytest.param(Late((Secret("hunter2"), API)), id="beside a gap"),
]


@pytest.mark.parametrize("value", SECRETS)
def test_secrets_are_never_shown(value: object) -> None:
    assert "hunter2" not in shown(value)
    assert "***" in shown(value)


@pytest.mark.parametrize("value", SECRETS)
def test_secrets_are_in_no_document(value: object) -> None:
    assert "hunter2" not in str(plain(value))


def test_documents_have_values_as_they_are() -> None:
    value = {"a": (1, True, None, "x"), "spec": SampleSpec(2, "n"), "late": Late((API, "/x")), "state": State.MISSING}

    assert plain(value) == {
        "a": [1, True, None, "x"],
        "spec": {"size": 2, "name": "n"},
        "late": "${api.url}/x",
        "state": "missing",
    }


def test_long_values_are_shortened() -> None:
    assert len(shown("x" * 500)) == 60
