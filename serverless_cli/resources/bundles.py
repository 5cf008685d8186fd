"""Requirements, layers and large packages of functions: what users write, what is wrong with it, and what it becomes.

AWS facts (Lambda developer guide):
- A layer lies under /opt; Python looks for packages in /opt/python. Later layers lie over earlier ones.
- A function has five layers at most, of its own region, and not two versions of one.
- Code of 50 MB or more is not taken inline, but from a bucket of the same region; it is copied from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from serverless_cli.errors import Location, Problem, SlxError
from serverless_cli.keys import Doc, FileName, Folder
from serverless_cli.model import Handout, Late, Place, Ref
from serverless_cli.names import NameRule, digest, physical
from serverless_cli.packaging import Needs, Package, check_folder, check_total, package, packed
from serverless_cli.packaging.platforms import platform
from serverless_cli.packaging.requirements import FILE, Read, read
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Declared
from serverless_cli.wiring import Bundle, Layers

ARN = re.compile(r"arn:[\w-]+:lambda:([\w-]+):\d{12}:layer:([\w-]+):\d+")
PACKAGES_ID = "slx-packages"
PACKAGES = NameRule(63, r"[a-z0-9-]+", scope="global", underscore=False, prefix="slx-")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerKeys:
    """A layer of one's own."""

    code: Annotated[Folder | None, Doc("A folder that lies under /opt; modules belong into its folder `python`.")] = (
        None
    )
    requirements: Annotated[
        FileName | tuple[str, ...] | None, Doc("Packages for the layer: a requirements file, or a list.")
    ] = None


def problems(it: Declared[Any]) -> Iterator[Problem]:
    """What is wrong with a function's `requirements` and `layers`."""
    yield from _requirement_problems(it, it.keys.requirements, "requirements")
    seen: set[str] = set()
    for number, layer in enumerate(it.keys.layers):
        where = it.line("layers", number)
        if isinstance(layer, LayerKeys):
            yield from _requirement_problems(it, layer.requirements, "layers", number, "requirements")
            if not layer.code and not layer.requirements:
                yield Problem("a layer with nothing in it", "it wants `code`, `requirements`, or both", where=where)
        elif not ARN.fullmatch(layer) and (found := tuple(_path_problems(it, layer, where))):
            yield from found
            continue
        arn = ARN.fullmatch(layer) if isinstance(layer, str) else None
        same = arn[2] if arn else str(layer)
        if same in seen:
            yield Problem("the same layer twice", "Lambda takes one version of each", "leave one of them out", where)
        seen.add(same)
        yield from _content_problems(it, layer, where)


def warnings(it: Declared[Any]) -> Iterator[Problem]:
    """Requirements that mean something else once a new version is published."""
    own = [(it.keys.requirements, it.line("requirements"))]
    layered = [(one.requirements, it.line("layers", i)) for i, one in _own_layers(it)]
    for value, where in (*own, *layered):
        loose = read(_lines(value)).loose
        if loose:
            yield Problem(
                f"{len(loose)} of {it.id}'s requirements name no version: {', '.join(loose[:5])}",
                "another machine may get newer ones, and its `up` would change the code",
                "pin them (NAME==1.2.3), for the same package everywhere",
                where,
            )


def preflight(place: Place, layers: Iterable[str]) -> Iterator[Problem]:
    """Layers that Lambda would refuse in this region."""
    for layer in layers:
        found = ARN.fullmatch(layer)
        if found and found[1] != place.region:
            why = f"it is in {found[1]}, and the function is in {place.region}"
            yield Problem(f"layer {found[2]} is in another region", why, "name the layer's ARN in that region")


def bundle(it: Declared[Any], place: Place) -> Bundle:
    """A function's own code with its requirements."""
    keys = it.keys
    return Bundle(str(keys.code), _lines(keys.requirements), keys.runtime, keys.architecture, place.wheels)


def layers(it: Declared[Any], place: Place) -> tuple[tuple[str, ...], tuple[Layers, ...]]:
    """A function's layers in order, as ARNs (Late those of its own), and the wiring for its own."""
    arns: list[str] = []
    wiring: list[Layers] = []
    for number, layer in enumerate(it.keys.layers):
        if isinstance(layer, str) and ARN.fullmatch(layer):
            arns.append(layer)
            continue
        made = _layer(it, layer, place)
        id = _id(it.folder, made)
        arns.append(Late((Handout(Ref("layer", id), "version_arn"),)))
        wiring.append(Layers(id, made, it.line("layers", number)))
    return tuple(arns), tuple(wiring)


def pack(what: Bundle, prefix: str = "") -> Package:
    """The bundle as a zip; its requirements lie under `prefix` in it."""
    needs = None
    if what.requirements:
        needs = Needs(what.requirements, platform(what.runtime, what.architecture, what.wheels), prefix)
    return package(Path(what.folder) if what.folder else None, needs=needs)


def pack_layer(what: Bundle) -> Package:
    """The bundle as a layer's zip."""
    return pack(what, "python/")


def pack_function(code: Bundle, own_layers: Mapping[str, Bundle]) -> Package:
    """A function's zip. Raises SlxError when it is too large, alone or together with its own layers."""
    made = pack(code)
    if own_layers:
        check_total(made, {id: pack_layer(one) for id, one in own_layers.items()})
    return made


def hold(name: str, sha256: str, address: str, folder: Path) -> Package:
    """The package that a function has: from this machine, else from the address that Lambda gave for it.

    Raises SlxError when it is in neither place.
    """
    if here := packed(sha256):
        return here
    if not address:
        raise SlxError(f"the code that {name} had is not on this machine", "and Lambda gives no address for it")
    # most runs fetch nothing, and what checks a blueprint must not wait for botocore
    from serverless_cli.aws.download import download  # noqa: PLC0415

    path = folder / f"{digest(sha256)}.zip"
    download(address, sha256, path)
    return Package(sha256, path.stat().st_size, str(path))


def content(place: Place, code: Package) -> dict[str, Any]:
    """A package in the form that Lambda's calls take: inline, or, if it is large, in the stack's bucket."""
    if code.large:
        return {"S3Bucket": packages_bucket(place), "S3Key": code.key}
    return {"ZipFile": Path(code.path).read_bytes()}


def packages_bucket(place: Place) -> str:
    """The name of the stack's bucket for large packages; by its prefix it is none of the user's."""
    return physical(place, "packages", PACKAGES)


def _lines(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (FILE + value,) if isinstance(value, str) else value or ()


def _own_layers(it: Declared[Any]) -> Iterator[tuple[int, LayerKeys]]:
    return ((number, one) for number, one in enumerate(it.keys.layers) if isinstance(one, LayerKeys))


def _layer(it: Declared[Any], layer: str | LayerKeys, place: Place) -> Bundle:
    if isinstance(layer, str):
        return Bundle(str((it.folder / layer).resolve()))
    if not layer.requirements:
        # Files are the same for every runtime, and so is the layer that functions share.
        return Bundle(str(layer.code))
    lines = _lines(layer.requirements)
    return Bundle(str(layer.code or ""), lines, it.keys.runtime, it.keys.architecture, place.wheels)


def _id(base: Path, made: Bundle) -> str:
    """The same for the same layer in every function and on every machine."""
    root = base.resolve()
    folder = Path(made.folder).relative_to(root).as_posix() if made.folder else ""
    lines = [
        f"{FILE}{Path(line.removeprefix(FILE)).relative_to(root).as_posix()}" if line.startswith(FILE) else line
        for line in made.requirements
    ]
    name = re.sub(r"[^a-z0-9]+", "-", Path(folder).name.lower()).strip("-")[:24] or "packages"
    return f"{name}-{digest(folder, made.runtime, made.architecture, *lines, length=6)}"


def _requirement_problems(
    it: Declared[Any], value: str | tuple[str, ...] | None, *path: str | int
) -> Iterator[Problem]:
    if value is None:
        return
    where = it.line(*path)
    if not it.keys.runtime.startswith("python"):
        yield Problem(
            f"`requirements` are Python packages, and {it.id} runs {it.keys.runtime}",
            "slx installs nothing for other languages",
            "put them into the function's folder (`npm ci`, for one)",
            where,
        )
    yield from map(it.written, _read(it, value, *path).problems)


def _read(it: Declared[Any], value: str | tuple[str, ...], *path: str | int) -> Read:
    if isinstance(value, str):
        return read(_lines(value), (it.line(*path),), it.folder)
    for number, text in enumerate(value):
        if text.startswith(FILE):
            what, hint = f"`{text}` has no place in a list of requirements", "write `requirements: FILE` for a file"
            return Read((), (Problem(what, "", hint, it.line(*path, number)),))
    return read(value, (it.line(*path, number) for number in range(len(value))), it.folder)


def _path_problems(it: Declared[Any], text: str, where: Location) -> Iterator[Problem]:
    if text.startswith("arn:"):
        form = "arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION"
        yield Problem(f"`{text}` is no ARN of a layer's version", f"wanted: {form}", where=where)
        return
    path = (it.folder / text).resolve()
    if not path.is_relative_to(it.folder.resolve()):
        yield Problem(f"the layer {text} is outside of the blueprint's folder", "", "put a copy inside", where)
    elif not path.is_dir():
        yield Problem(f"there is no folder {text}", f"a layer is a folder below {it.folder}, or an ARN", where=where)


def _content_problems(it: Declared[Any], layer: str | LayerKeys, where: Location) -> Iterator[Problem]:
    """Modules where Python does not look for them."""
    folder = layer.code if isinstance(layer, LayerKeys) else None if ARN.fullmatch(layer) else it.folder / layer
    if not folder or not Path(folder).is_dir():
        return
    if found := check_folder(Path(folder)):
        yield replace(found, where=where)
    if not it.keys.runtime.startswith("python"):
        return
    modules = [path.name for path in Path(folder).glob("*.py")]
    if modules and not (Path(folder) / "python").is_dir():
        yield Problem(
            f"functions would not find {min(modules)} in the layer {Path(folder).name}",
            "a layer lies under /opt, and Python looks in /opt/python",
            "move its modules into a folder `python` in it",
            where,
        )
