import textwrap
from dataclasses import replace

import pytest
from blueprint_fakes import place
from wheel_fakes import Shelf

from serverless_cli.blueprint.parse import parse
from serverless_cli.errors import BlueprintError, SlxError
from serverless_cli.model import Handout, Late, Ref
from serverless_cli.packaging import Package
from serverless_cli.resources import TYPES, WEAVERS
from serverless_cli.resources.bundles import content, packages_bucket, preflight
from serverless_cli.resources.function import FunctionKind, FunctionSpec
from serverless_cli.resources.layer import LayerKind, LayerSpec
from serverless_cli.resources.packages import REF, PackagesSpec, with_packages
from serverless_cli.wiring import Bundle

ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:tools:3"
PLACE = place("shop")
OURS = {"function": TYPES["function"]}


@pytest.fixture
def read(tmp_path):
    """Reads a blueprint of functions; `more` are files beside it."""

    def make(*functions, more=(), wheels=""):
        (tmp_path / "code").mkdir(exist_ok=True)
        (tmp_path / "code/app.py").write_text("def handler(event, context):\n    pass\n")
        for name, text in dict(more).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        lines = ["name: shop", "resources:"]
        for id, keys in functions:
            head = f"{id}:\n  type: function\n  code: ./code\n"
            lines.append(textwrap.indent(head + textwrap.indent(textwrap.dedent(keys), "  "), "  "))
        path = tmp_path / "blueprint.yaml"
        path.write_text("\n".join(lines))
        return parse(
            path, place=lambda name: replace(place(name), wheels=wheels), types=OURS,
            weavers=WEAVERS, parameters={}, remembered={},
        )  # fmt: skip

    return make


@pytest.fixture
def problems(read):
    def make(keys, more=()):
        with pytest.raises(BlueprintError) as caught:
            read(("hello", keys), more=more)
        return [(one.what, one.where.line) for one in caught.value.problems]

    return make


def function(stack, id="hello"):
    return stack.resources[Ref("function", id)]


# What users write


def test_requirements_go_into_the_code(read):
    stack = read(("hello", "requirements: [six==1.17.0]\narchitecture: arm64\nruntime: python3.12\n"), wheels="host")

    bundle = function(stack).spec.bundle

    assert bundle.requirements == ("six==1.17.0",)
    assert (bundle.runtime, bundle.architecture, bundle.wheels) == ("python3.12", "arm64", "host")
    assert stack.warnings == ()


def test_requirements_may_be_a_file(read, tmp_path):
    stack = read(("hello", "requirements: ./r.txt\n"), more={"r.txt": "six==1.17.0\n"})

    assert function(stack).spec.bundle.requirements == (f"-r {tmp_path}/r.txt",)


def test_requirements_without_versions_are_warned_of(read):
    (warning,) = read(("hello", "requirements: [six, idna==3.10]\n")).warnings

    assert warning.what == "1 of hello's requirements name no version: six"
    assert warning.where.line == 6


@pytest.mark.parametrize(
    ("keys", "says", "line"),
    [
        ("requirements: [six, =six]\n", "`=six` is no requirement", 6),
        ("requirements:\n  - six\n  - -e .\n", "`-e` has no place in requirements", 8),
        ("requirements: [-r r.txt]\n", "`-r r.txt` has no place in a list of requirements", 6),
        ("requirements: r.txt\n", "`six=1` is no requirement", 2),
        ("requirements: [six]\nruntime: nodejs22.x\nhandler: app.js\n", "`requirements` are Python packages, and hello runs nodejs22.x", 6),
        ("layers: [arn:aws:lambda:eu-central-1:123456789012:layer:x]\n", "`arn:aws:lambda:eu-central-1:123456789012:layer:x` is no ARN of a layer's version", 6),
        ("layers: [./none]\n", "there is no folder ./none", 6),
        ("layers: [../code]\n", "the layer ../code is outside of the blueprint's folder", 6),
        ("layers: [./flat]\n", "functions would not find tool.py in the layer flat", 6),
        ("layers: [{code: ./flat}]\n", "functions would not find tool.py in the layer flat", 6),
        ("layers: [{}]\n", "a layer with nothing in it", 6),
        ("layers: [{requirements: [=six]}]\n", "`=six` is no requirement", 6),
        (f"layers: [{ARN}, {ARN[:-1]}4]\n", "the same layer twice", 6),
        ("layers: [a, b, c, d, e, f]\n", "`layers` has 6 entries", 6),
    ],
)  # fmt: skip
def test_what_is_wrong_is_located(problems, keys, says, line):
    found = problems(keys, more={"r.txt": "\nsix=1\n", "flat/tool.py": "", "code/app.js": "exports.js = 1"})

    assert (says, line) in found


def test_layers_keep_their_order(read):
    stack = read(("hello", f"layers: [./shared, {ARN}]\n"), more={"shared/python/tool.py": ""})
    layer = next(ref for ref in stack.resources if ref.kind == "layer")

    first, second = function(stack).spec.layers

    assert isinstance(first, Late)
    assert first.parts == (Handout(layer, "version_arn"),)
    assert second == ARN
    assert layer in function(stack).needs
    assert stack.resources[layer].name == f"shop-dev-{layer.id}"
    assert layer.id.startswith("shared-")


def test_functions_share_a_layer(read):
    keys = "layers: [{code: ./shared}]\n"
    stack = read(
        ("one", keys), ("two", "layers: [./shared]\nruntime: python3.12\n"), more={"shared/python/tool.py": ""}
    )

    layers = [ref for ref in stack.resources if ref.kind == "layer"]

    assert len(layers) == 1
    assert function(stack, "one").spec.layers == function(stack, "two").spec.layers


def test_layers_with_packages_are_one_per_runtime(read):
    keys = "layers: [{requirements: [six==1.17.0]}]\n"
    stack = read(("one", keys), ("two", keys), ("three", keys + "architecture: arm64\n"))

    assert len([ref for ref in stack.resources if ref.kind == "layer"]) == 2


def test_a_layer_of_another_region_is_seen_before_any_write():
    (problem,) = preflight(replace(PLACE, region="us-east-1"), (ARN, ARN.replace("eu-central-1", "us-east-1")))

    assert problem.what == "layer tools is in another region"


# What it becomes


def test_a_function_and_its_layer_are_packed(read, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Shelf(tmp_path / "shelf", monkeypatch).add("web", files={"web.py": b"x" * 2000})
    stack = read(("hello", "requirements: [web==1.0]\nlayers: [{code: ./shared, requirements: [web==1.0]}]\n"),
                 more={"shared/python/tool.py": "", "shared/bin/tool": ""})  # fmt: skip
    layer = next(one for one in stack.resources.values() if one.ref.kind == "layer")

    code = FunctionKind().prepare(function(stack).spec).code
    layered = LayerKind().prepare(layer.spec).code

    assert code.unzipped > 2000
    assert code.sha256 != layered.sha256
    assert content(PLACE, code).keys() == {"ZipFile"}


def test_layers_count_towards_the_limit(read, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    stack = read(("hello", "layers: [./one, ./two]\n"), more={"one/python/a.py": "", "two/python/b.py": ""})
    for name in ("one", "two"):
        with (tmp_path / name / "data.bin").open("wb") as file:
            file.truncate(130 << 20)

    with pytest.raises(SlxError, match="too large together"):
        FunctionKind().prepare(function(stack).spec)


# Large packages


def a_function(size, path=""):
    code = Package("AAAA", size, path)
    return FunctionSpec("role", "app.handler", "python3.13", 128, 10, "x86_64", {}, None, code)


def test_a_large_package_goes_through_the_stacks_bucket(read):
    stack = read(("one", ""), ("two", ""), ("three", ""))
    sizes = {"one": 60 << 20, "two": 60 << 20, "three": 1000}
    made = {
        ref: replace(one, spec=a_function(sizes[ref.id], "/tmp/x.zip")) if ref.kind == "function" else one
        for ref, one in stack.resources.items()
    }

    full = with_packages(replace(stack, resources=made))

    bucket = full.resources[REF]
    assert bucket.name == packages_bucket(stack.place)
    assert bucket.spec == PackagesSpec({"000000.zip": 60 << 20})
    assert bucket.spec.paths == {"000000.zip": "/tmp/x.zip"}
    assert [id for id in sizes if REF in full.resources[Ref("function", id)].needs] == ["one", "two"]
    assert content(stack.place, Package("AAAA", 60 << 20)) == {"S3Bucket": bucket.name, "S3Key": "000000.zip"}


def test_a_large_layer_goes_there_too(read):
    stack = read(("one", "layers: [./shared]\n"), more={"shared/python/a.py": ""})
    (layer,) = (one for one in stack.resources.values() if one.ref.kind == "layer")
    resources = {**stack.resources, layer.ref: replace(layer, spec=LayerSpec(Package("AAAA", 60 << 20), Bundle("x")))}

    full = with_packages(replace(stack, resources=resources))

    assert REF in full.resources[layer.ref].needs


def test_without_large_packages_nothing_is_added(read):
    stack = read(("one", ""))

    assert with_packages(stack) is stack


def test_the_buckets_name_is_one_that_s3_takes_and_none_of_the_users():
    long = packages_bucket(replace(PLACE, stack="a" * 64, stage="production"))

    assert len(long) <= 63
    assert packages_bucket(PLACE).startswith("slx-shop-dev-packages-")
