from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from serverless_cli.model import Change, Found, Mark, Place, Ref
from serverless_cli.packaging import Package
from serverless_cli.resources.base import Here
from serverless_cli.resources.layer import KEPT, LayerKind, LayerSpec
from serverless_cli.resources.ownership import ForeignError

PLACE = Place("shop", "dev", "eu-central-1", "123456789012")
REF = Ref("layer", "shared-abc123")
HERE = Here(REF, "shop-dev-shared-abc123", PLACE)
KIND = LayerKind()


class FakeLayers:
    """Lambda, as far as layers go: versions count up and never change."""

    region = PLACE.region

    def __init__(self) -> None:
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.calls: list[str] = []
        self._last: dict[str, int] = {}

    def call(self, operation: str, /, *, passing: object = (), once: bool = False, **parameters: Any) -> dict[str, Any]:
        self.calls.append(operation)
        assert operation == "lambda.PublishLayerVersion"
        return self.publish(parameters["LayerName"], parameters["Description"])

    def publish(self, name: str, description: str) -> dict[str, Any]:
        number = self._last[name] = self._last.get(name, 0) + 1
        arn = f"arn:aws:lambda:eu-central-1:123456789012:layer:{name}:{number}"
        made = {"Version": number, "Description": description, "LayerVersionArn": arn}
        self.versions.setdefault(name, []).insert(0, made)
        return made

    def remove(self, operation: str, /, *, passing: object = (), **parameters: Any) -> bool:
        self.calls.append(operation)
        name, number = parameters["LayerName"], parameters["VersionNumber"]
        kept = [one for one in self.versions.get(name, []) if one["Version"] != number]
        found = len(kept) < len(self.versions.get(name, []))
        self.versions[name] = kept
        return found

    def pages(self, operation: str, /, *keys: str, **parameters: Any) -> Iterator[Any]:
        if operation == "lambda.ListLayers":
            have = {name: versions[0] for name, versions in self.versions.items() if versions}
            return iter([{"LayerName": name, "LatestMatchingVersion": one} for name, one in have.items()])
        return iter(list(self.versions.get(parameters["LayerName"], ())))

    def find(self, operation: str, /, **parameters: Any) -> dict[str, Any] | None:
        raise AssertionError(operation)

    def wait(self, what: str, ask: Callable[[], Any], *, deadline_s: float) -> Any:
        raise AssertionError(what)

    def map(self, work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [work(item) for item in items]

    def reading(self) -> "FakeLayers":
        return self

    def numbers(self) -> list[int]:
        return [one["Version"] for one in self.versions.get(HERE.name, ())]


@pytest.fixture
def aws():
    return FakeLayers()


@pytest.fixture
def spec(tmp_path):
    def make(digest):
        path = tmp_path / "layer.zip"
        path.write_bytes(b"zip")
        return LayerSpec(Package(digest, 3, str(path)))

    return make


def test_a_version_carries_our_mark_and_what_is_in_it(aws, spec):
    outputs = KIND.create(aws, HERE, spec("AAA="))

    seen = KIND.read(aws, HERE)
    assert (seen.spec, seen.mark, seen.outputs) == (spec("AAA="), HERE.mark, outputs)
    assert outputs == {"version_arn": f"arn:aws:lambda:eu-central-1:123456789012:layer:{HERE.name}:1"}


def test_the_longest_names_fit_into_a_description(aws, spec):
    place = Place("s" * 64, "t" * 20, "ap-southeast-2", "123456789012")
    here = Here(Ref("layer", "x" * 31), "name", place)

    KIND.create(aws, here, spec("A" * 44))

    assert len(aws.versions["name"][0]["Description"]) <= 256
    assert KIND.read(aws, here).mark == here.mark


def test_creating_again_publishes_nothing_new(aws, spec):
    first = KIND.create(aws, HERE, spec("AAA="))

    assert KIND.create(aws, HERE, spec("AAA=")) == first
    assert aws.numbers() == [1]


def test_other_content_is_another_version(aws, spec):
    KIND.create(aws, HERE, spec("AAA="))

    outputs = KIND.update(aws, HERE, spec("BBB="), (Change(("code",), "", ""),))

    assert outputs["version_arn"].endswith(":2")
    assert KIND.read(aws, HERE).spec == spec("BBB=")
    assert "version_arn" in KIND.volatile


def test_versions_that_nobody_uses_any_more_go(aws, spec):
    KIND.create(aws, HERE, spec("AAA="))
    for digest in ("BBB=", "CCC=", "DDD="):
        KIND.update(aws, HERE, spec(digest), (Change(("code",), "", ""),))

    assert aws.numbers() == [4, 3]
    assert KEPT == 2


def test_somebody_elses_layer_is_in_the_way(aws, spec):
    aws.publish(HERE.name, "by hand")

    with pytest.raises(ForeignError):
        KIND.create(aws, HERE, spec("AAA="))

    assert aws.calls == []
    assert KIND.read(aws, HERE).mark is None


def test_another_stacks_layer_is_in_the_way_even_if_a_create_was_expected(aws, spec):
    aws.publish(HERE.name, "slx else/dev/eu-central-1/shared sha256:AAA=")
    expected = Here(REF, HERE.name, PLACE, expected=True)

    with pytest.raises(ForeignError, match="else/dev"):
        KIND.create(aws, expected, spec("AAA="))


def test_a_newer_version_of_somebody_else_does_not_hide_ours(aws, spec):
    KIND.create(aws, HERE, spec("AAA="))
    aws.publish(HERE.name, "by hand")

    assert KIND.read(aws, HERE).spec == spec("AAA=")
    assert list(KIND.search(aws, PLACE)) == [Found(REF, HERE.name, HERE.mark)]


def test_only_our_versions_are_deleted(aws, spec):
    KIND.create(aws, HERE, spec("AAA="))
    aws.publish(HERE.name, "by hand")
    KIND.update(aws, HERE, spec("BBB="), (Change(("code",), "", ""),))

    KIND.delete(aws, HERE)
    KIND.delete(aws, HERE)

    assert aws.numbers() == [2]


def test_a_search_tells_stacks_apart(aws, spec):
    KIND.create(aws, HERE, spec("AAA="))
    other = Place("shop-dev", "two", "eu-central-1", "123456789012")
    KIND.create(aws, Here(REF, "shop-dev-two-shared-abc123", other), spec("AAA="))

    assert [one.mark for one in KIND.search(aws, PLACE)] == [HERE.mark]
    assert {one.mark for one in KIND.search(aws, None)} == {HERE.mark, Mark("shop-dev", "two", "eu-central-1", REF.id)}
