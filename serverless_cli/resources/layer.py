"""Layers that functions share: folders and packages that lie under /opt.

AWS facts (Lambda developer guide; botocore's model):
- A layer is nothing but its versions. They never change and carry no tags: the mark, and the digest of the zip, are in
  the description. Every publishing makes another version, even of the same bytes.
- A function names a version by its ARN, and keeps a copy: deleting a version harms no function that has it.
- Nobody can ask for a layer as such: one without versions is one that does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any, ClassVar

from serverless_cli.aws.calls import Aws
from serverless_cli.errors import SlxError
from serverless_cli.model import Change, Found, Mark, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.names import NameRule, physical
from serverless_cli.packaging import Package
from serverless_cli.records import dataclass
from serverless_cli.resources import bundles
from serverless_cli.resources.base import Here, Kind, Scope, Weaver
from serverless_cli.resources.ownership import belongs, claim
from serverless_cli.wiring import Bundle, Layers, Wiring

NAME = NameRule(140, r"[a-zA-Z0-9-_]+")
KEPT = 2
"""versions that stay after an update: the new one, and the one that functions have until they are updated"""
_MARKED = re.compile(r"slx ([^/ ]+)/([^/ ]+)/([^/ ]+)/([^/ ]+) sha256:(\S+)")


@dataclass(frozen=True, slots=True)
class LayerSpec(Spec):
    """`code` is the bundle until `prepare` has packed it; only its digest is compared."""

    code: Package
    bundle: Bundle = field(default_factory=Bundle, compare=False)


class LayerWeaver(Weaver[Layers]):
    """The layers that functions want, each once."""

    takes = Layers

    def weave(self, wiring: tuple[Layers, ...], every: tuple[Wiring, ...], scope: Scope) -> Iterable[Resource]:
        for one in {each.id: each for each in reversed(wiring)}.values():
            spec = LayerSpec(Package(""), one.bundle)
            yield Resource(Ref("layer", one.id), physical(scope.place, one.id, NAME), spec, where=one.where)


class LayerKind(Kind[LayerSpec]):
    kind = "layer"
    doc = "Lambda layer"
    spec = LayerSpec
    rank = 55
    volatile = frozenset({"version_arn"})
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("lambda:ListLayerVersions",),
        Verb.CREATE: ("lambda:ListLayerVersions", "lambda:PublishLayerVersion", "lambda:DeleteLayerVersion",
                      "s3:GetObject"),
        Verb.UPDATE: ("lambda:ListLayerVersions", "lambda:PublishLayerVersion", "lambda:DeleteLayerVersion",
                      "s3:GetObject"),
        Verb.DELETE: ("lambda:ListLayerVersions", "lambda:DeleteLayerVersion"),
        Verb.SEARCH: ("lambda:ListLayers", "lambda:ListLayerVersions"),
    }  # fmt: skip

    def prepare(self, spec: LayerSpec) -> LayerSpec:
        if spec.bundle == Bundle():
            return spec
        return replace(spec, code=bundles.pack_layer(spec.bundle))

    def read(self, aws: Aws, here: Here) -> Observed | None:
        """The newest version of ours; where all are somebody else's, the newest of these."""
        versions = _versions(aws, here.name)
        mine = [one for one in versions if _mark(one) == here.mark]
        if not versions:
            return None
        newest = (mine or versions)[0]
        return Observed(LayerSpec(Package(_sha256(newest))), {"version_arn": newest["LayerVersionArn"]}, _mark(newest))

    def create(self, aws: Aws, here: Here, spec: LayerSpec) -> Outputs:
        found = claim(here, self.read(aws, here))
        if found and found.mark and found.spec == spec:
            return found.outputs
        return self._publish(aws, here, spec)

    def update(self, aws: Aws, here: Here, spec: LayerSpec, changes: tuple[Change, ...]) -> Outputs:
        outputs = self._publish(aws, here, spec)
        mine = [one for one in _versions(aws, here.name) if _mark(one) == here.mark]
        _remove(aws, here.name, mine[KEPT:])
        return outputs

    def _publish(self, aws: Aws, here: Here, spec: LayerSpec) -> Outputs:
        mark = here.mark
        about = f"slx {mark.stack}/{mark.stage}/{mark.region}/{mark.id} sha256:{spec.code.sha256}"
        made = aws.call(
            "lambda.PublishLayerVersion",
            LayerName=here.name,
            Description=about,
            Content=bundles.content(here.place, spec.code),
        )
        return {"version_arn": made["LayerVersionArn"]}

    def delete(self, aws: Aws, here: Here) -> None:
        _remove(aws, here.name, [one for one in _versions(aws, here.name) if _mark(one) == here.mark])

    def hold(self, aws: Aws, here: Here, spec: LayerSpec, changes: tuple[Change, ...], folder: Path) -> LayerSpec:
        raise SlxError("a version of a layer is never changed", "functions get the one back that they had")

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        for layer in aws.pages("lambda.ListLayers", "Layers"):
            name = layer["LayerName"]
            if place and not name.startswith(f"{place.stack}-{place.stage}-"):
                continue
            # What is newest may be somebody else's, published over ours; that is only looked at for one stack.
            versions = _versions(aws, name) if place else [layer["LatestMatchingVersion"]]
            marks = [mark for one in versions if (mark := _mark(one))]
            for mark in dict.fromkeys(marks):
                if belongs(mark, place):
                    yield Found(Ref("layer", mark.id), name, mark)


def _versions(aws: Aws, name: str) -> list[dict[str, Any]]:
    """All versions of a layer, the newest first."""
    found = aws.pages("lambda.ListLayerVersions", "LayerVersions", LayerName=name)
    return sorted(found, key=lambda one: -int(one["Version"]))


def _remove(aws: Aws, name: str, versions: Iterable[dict[str, Any]]) -> None:
    for one in versions:
        aws.remove("lambda.DeleteLayerVersion", LayerName=name, VersionNumber=one["Version"])


def _mark(version: Mapping[str, Any]) -> Mark | None:
    found = _MARKED.fullmatch(version.get("Description") or "")
    return Mark(found[1], found[2], found[3], found[4]) if found else None


def _sha256(version: Mapping[str, Any]) -> str:
    found = _MARKED.fullmatch(version.get("Description") or "")
    return found[5] if found else ""
