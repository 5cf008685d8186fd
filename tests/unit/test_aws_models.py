"""botocore's models, cut down to what slx calls: nothing of that is lost, and the copies are never trusted blindly."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

import serverless_cli
from serverless_cli.aws.models import Models, cut
from serverless_cli.aws.operations import OPERATIONS

CALLED = re.compile(r'"([a-z0-9]+)\.([A-Z][A-Za-z0-9]+)"')
NOT_CALLED = {"slx.Deleted", "cloudfront.DeleteOriginAccessControl"}
WHOLE = {"sts.GetCallerIdentity"}


def test_every_operation_that_the_source_names_is_kept_and_no_other() -> None:
    sources = Path(serverless_cli.__file__).parent.rglob("*.py")
    named = {".".join(found) for path in sources for found in CALLED.findall(path.read_text())} - NOT_CALLED - WHOLE
    assert named == {f"{service}.{name}" for service, names in OPERATIONS.items() for name in names}


def test_no_operation_is_named_by_pieces() -> None:
    pieces = re.compile(r'(?:call|find|pages|attempt)\([^"\n]*f"[a-z0-9]+\.')
    sources = Path(serverless_cli.__file__).parent.rglob("*.py")
    assert [str(path) for path in sources if pieces.search(path.read_text())] == []


def drawn(shape: Shape | None, above: tuple[str, ...] = ()) -> Any:
    """All that botocore knows of a shape, as far down as it does not repeat itself."""
    if shape is None or shape.name in above:
        return shape and shape.name
    below = (*above, shape.name)
    parts: dict[str, Any] = {"name": shape.name, "type": shape.type_name, "meta": shape.metadata}
    parts["how"] = dict(shape.serialization)
    parts["members"] = {key: drawn(member, below) for key, member in getattr(shape, "members", {}).items()}
    for one in ("member", "key", "value"):
        if hasattr(shape, one):
            parts[one] = drawn(getattr(shape, one), below)
    return parts


@pytest.mark.parametrize("service", sorted(OPERATIONS))
def test_what_is_kept_says_all_that_the_whole_model_says(service: str, tmp_path: Path) -> None:
    whole = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    models = Models(folder=tmp_path)
    models.load_service_model(service, "service-2")
    kept = ServiceModel(Models(folder=tmp_path).load_service_model(service, "service-2"), service)
    assert set(kept.operation_names) == OPERATIONS[service]
    assert kept.metadata == whole.metadata
    for name in kept.operation_names:
        mine, its = kept.operation_model(name), whole.operation_model(name)
        assert drawn(mine.input_shape) == drawn(its.input_shape)
        assert drawn(mine.output_shape) == drawn(its.output_shape)
        assert (mine.http, mine.auth_type, mine.endpoint) == (its.http, its.auth_type, its.endpoint)
        assert (mine.http_checksum, mine.context_parameters) == (its.http_checksum, its.context_parameters)
    assert {one.name for one in kept.error_shapes} == {one.name for one in whole.error_shapes}


def test_a_member_may_be_called_documentation() -> None:
    shapes = {
        "Asked": {"type": "structure", "documentation": "x", "members": {"documentation": {"shape": "Text"}}},
        "Text": {"type": "string", "documentation": "x"},
        "Other": {"type": "string"},
    }
    model = {"documentation": "x", "operations": {"Ask": {"input": {"shape": "Asked"}}, "Tell": {}}, "shapes": shapes}
    assert cut(model, ["Ask"]) == {
        "operations": {"Ask": {"input": {"shape": "Asked"}}},
        "shapes": {
            "Asked": {"type": "structure", "members": {"documentation": {"shape": "Text"}}},
            "Text": {"type": "string"},
        },
    }


def test_a_copy_is_read_the_next_time(tmp_path: Path) -> None:
    Models(folder=tmp_path).load_service_model("sqs", "service-2")
    (copy,) = tmp_path.iterdir()
    copy.write_text(copy.read_text().replace("DeleteQueue", "DeleteQueux"))
    assert "DeleteQueux" in Models(folder=tmp_path).load_service_model("sqs", "service-2")["operations"]


@pytest.mark.parametrize("harm", ["", "{", "\x00"])
def test_a_harmed_copy_is_made_anew(tmp_path: Path, harm: str) -> None:
    good = Models(folder=tmp_path).load_service_model("sqs", "service-2")
    (copy,) = tmp_path.iterdir()
    copy.write_text(harm)
    assert Models(folder=tmp_path).load_service_model("sqs", "service-2") == good
    assert json.loads(copy.read_text()) == good


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    models = Models(folder=tmp_path / "file" / "below")
    assert set(models.load_service_model("sqs", "service-2")["operations"]) == OPERATIONS["sqs"]


def test_another_model_of_the_same_name_has_a_copy_of_its_own(tmp_path: Path) -> None:
    own = tmp_path / "own" / "sqs" / "2012-11-05"
    own.mkdir(parents=True)
    model = Loader().load_service_model("sqs", "service-2")
    for said in ("first", "other"):
        (own / "service-2.json").write_text(json.dumps(model | {"said": said}))
        found = Models(str(tmp_path / "own"), tmp_path / "kept").load_service_model("sqs", "service-2")
        assert found["said"] == said


@pytest.mark.parametrize("service", ["sts", "sso", "sso-oidc", "signin"])
def test_services_that_credentials_come_by_are_whole(tmp_path: Path, service: str) -> None:
    assert Models(folder=tmp_path).load_service_model(service, "service-2") == (
        Loader().load_service_model(service, "service-2")
    )
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_service_is_told_as_botocore_does(tmp_path: Path) -> None:
    session = botocore.session.Session()
    session.register_component("data_loader", Models(folder=tmp_path))
    with pytest.raises(UnknownServiceError, match=r"no-such-service.*lambda"):
        session.create_client("no-such-service", "us-east-1")
