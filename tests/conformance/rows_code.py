"""Rows of the kinds that hold code beside functions: layers. The bucket for large packages has one resource in a stack,
and tests of its own (test_conformance_packages.py)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

from bench import Bench, Row

from serverless_cli.packaging import package
from serverless_cli.resources.layer import NAME, LayerSpec


def zipped(text: str = "by = 'hand'\n") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("python/tool.py", text)
    return buffer.getvalue()


def a_layer(text: str) -> Callable[[Bench], LayerSpec]:
    def make(b: Bench) -> LayerSpec:
        folder = b.folder / f"layer-{len(text)}"
        (folder / "python").mkdir(parents=True, exist_ok=True)
        (folder / "python/tool.py").write_text(text)
        return LayerSpec(package(folder))

    return make


def publish(b: Bench, description: str = "by hand") -> None:
    b.raw("lambda").publish_layer_version(LayerName=b.name, Description=description, Content={"ZipFile": zipped()})


def half_a_layer(b: Bench) -> None:
    """As after a create whose answer was lost."""
    spec = b.wish
    assert isinstance(spec, LayerSpec)
    mark = b.here().mark
    publish(b, f"slx {mark.stack}/{mark.stage}/{mark.region}/{mark.id} sha256:{spec.code.sha256}")


LAYER = Row(
    "layer",
    NAME,
    a_layer("x = 1\n"),
    edits={"other code": {"code": lambda b: a_layer("x = 'other'\n")(b).code}},
    drifts={
        "only somebody else's versions": (
            frozenset({"mark", "code"}),
            lambda b: (b.raw("lambda").delete_layer_version(LayerName=b.name, VersionNumber=1), publish(b)),
        ),
    },
    halves={"published": half_a_layer},
)

ROWS = (LAYER,)
