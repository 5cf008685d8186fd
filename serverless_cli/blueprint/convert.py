"""Turns nodes into keys classes by what these declare, and collects all that does not fit."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar

from serverless_cli.blueprint import singles
from serverless_cli.blueprint.jsons import Tree, canonical, mixed
from serverless_cli.blueprint.load import load
from serverless_cli.blueprint.nodes import Broken, MappingNode, Node, Scalar, Sequence, called
from serverless_cli.blueprint.partly import partly
from serverless_cli.blueprint.problems import Problems, listed, shown
from serverless_cli.blueprint.refs import Resolver
from serverless_cli.blueprint.shapes import Either, Form, Key, Keys, Many, Rules, Shape, Single, Table, keys_of
from serverless_cli.errors import BlueprintError, Location
from serverless_cli.model import Handout, Late
from serverless_cli.secret import Secret

K = TypeVar("K")
Path_ = tuple[str | int, ...]


class _Bad(Enum):
    BAD = 0


BAD: Final = _Bad.BAD
"""Stands for a value that could not be converted; why is among the problems."""

SECRETS_GO = "only the `environment` of a function may hold one, and checks"


class Converter:
    """Converts the parts of one thing in the blueprint; `user` is its id. `at` collects where each key stands.

    `secrets`: it is nothing that AWS keeps (a check), so that secrets may be anywhere in it.
    """

    def __init__(
        self, problems: Problems, resolver: Resolver, folder: Path, user: str = "", *, secrets: bool = False
    ) -> None:
        self.at: dict[Path_, Location] = {}
        self._problems = problems
        self._resolver = resolver
        self._folder = folder
        self._user = user
        self._secrets = secrets
        self._flaws = 0

    @property
    def whole(self) -> bool:
        """Nothing was wrong so far with any key."""
        return not self._flaws

    def keys(
        self, cls: type[K], node: MappingNode, of: str, where: Location, *, path: Path_ = (), also: Collection[str] = ()
    ) -> K | None:
        """An instance of a keys class, or None when something in it is wrong. `of` says what has these keys ("a
        function"), `where` is the place of what lacks a required key, `also` are keys that somebody else reads."""
        found, whole = self.part(cls, node, of, where, path=path, also=also)
        return found if whole else None

    def part(
        self, cls: type[K], node: MappingNode, of: str, where: Location, *, path: Path_ = (), also: Collection[str] = ()
    ) -> tuple[K, bool]:
        """As `keys`, an instance in any case, and whether it is whole: what is wrong raises Unsure when asked for."""
        before = self._flaws
        declared = keys_of(cls)
        values: dict[str, Any] = {}
        lost: set[str] = set()
        guessed: set[str] = set()
        for name, child in node.items.items():
            if name in also:
                continue
            self.at[*path, name] = node.at(name)
            key = declared.get(name)
            if key is None:
                self._flaws += 1
                meant = self._unknown(name, node, of, [*declared, *also])
                free = declared.keys() - node.items.keys()
                guessed |= {meant} & free
                lost |= guessed if meant else {one for one in free if not declared[one].default}
            elif key.required and not key.shape.none and isinstance(child, Scalar) and child.empty:
                self._problems.add(f"`{name}` is empty", child.where, f"{of} needs it", key.doc)
                lost.add(name)
            elif (value := self.value(child, key.shape, (*path, name))) is BAD:
                lost.add(name)
            else:
                values[key.field] = value
        for key in (one for one in declared.values() if one.required and one.name not in node.items):
            lost.add(key.name)
            if key.name not in guessed:
                self._missing(key, of, where)
        self._flaws += len(lost)
        made = partly(cls, values, {declared[name].field for name in lost}) if lost else cls(**values)
        return made, self._flaws == before

    def value(self, node: Node, shape: Shape, path: Path_) -> Any:
        """The value of a node, or BAD."""
        if isinstance(node, Broken):
            return BAD
        if isinstance(node, Scalar) and node.empty and shape.none:
            return None
        if isinstance(shape, Either):
            shape = self._arm(node, shape)
        if isinstance(shape, Single) and shape.form is Form.JSON:
            return self._json(node, shape.rules, path)
        if isinstance(shape, Single) and shape.form is Form.DOCUMENT:
            return self._document(node, shape, path)
        return self._formed(node, shape, path)

    def _formed(self, node: Node, shape: Shape, path: Path_) -> Any:
        match shape, node:
            case Single(), Scalar(empty=False):
                return self._single(node, shape, path)
            case Keys(), MappingNode():
                of = f"`{path[-1]}`" if isinstance(path[-1], str) else f"an entry of `{_label(path)}`"
                return self.part(shape.cls, node, of, node.where, path=path)[0]
            case Many(), Sequence():
                return self._many(node, shape, path)
            case Table(), MappingNode():
                return self._table(node, shape, path)
        return self._mismatch(node, shape, path)

    def _unknown(self, name: str, node: MappingNode, of: str, known: Collection[str]) -> str:
        """Tells of it; the key that was meant, if that can be guessed: else it may be any that is left out."""
        hint = "" if self._problems.full else self._problems.near(name, known, otherwise="its keys:")
        self._problems.add(f"unknown key {shown(name)}", node.at(name), f"{of} has no such key", hint)
        return next((one for one in known if hint == f"did you mean `{one}`?"), "")

    def _missing(self, key: Key, of: str, where: Location) -> None:
        self._problems.add(f"`{key.name}` is missing", where, f"{of} needs it", key.doc)

    def _arm(self, node: Node, shape: Either) -> Shape:
        """The form that the user meant: by what the node is, and among keys classes by the keys that are there."""
        fitting = [arm for arm in shape.arms if _fits(node, arm)]
        if len(fitting) > 1 and isinstance(node, MappingNode):
            return max(fitting, key=lambda arm: _likeness(node, arm))
        if not fitting and isinstance(node, Scalar) and not node.empty:
            fitting = [arm for arm in shape.arms if isinstance(arm, Single)]
        return fitting[0] if fitting else shape

    def _many(self, node: Sequence, shape: Many, path: Path_) -> Any:
        values = []
        for index, item in enumerate(node.items):
            self.at[*path, index] = item.where
            values.append(self.value(item, shape.item, (*path, index)))
        fits = self._sized(len(values), "entries", shape.rules, node.where, path)
        return BAD if not fits or any(value is BAD for value in values) else tuple(values)

    def _table(self, node: MappingNode, shape: Table, path: Path_) -> Any:
        values: dict[str, Any] = {}
        form = shape.rules.keys
        good = self._sized(len(node.items), "entries", shape.rules, node.where, path)
        for key, child in node.items.items():
            self.at[*path, key] = node.at(key)
            if form and not re.fullmatch(form.regex, key):
                what = f"{shown(key)} cannot be a key of `{_label(path)}`"
                self._problems.add(what, node.at(key), f"wanted: {form.says}")
                good = False
            values[key] = self.value(child, shape.item, (*path, key))
        return values if good and not any(value is BAD for value in values.values()) else BAD

    def _single(self, node: Scalar, shape: Single, path: Path_) -> Any:
        text = self._resolver.text(node, self._user)
        if text is None:
            return BAD
        label = _label(path)
        if isinstance(text, Late) and (not shape.rules.late or shape.form is not Form.TEXT):
            return self._too_late(text, node, label)
        if isinstance(text, Secret) and (shape.form is not Form.TEXT or not (shape.rules.secret or self._secrets)):
            return self._no_secret(node, label)
        if isinstance(text, Late) or (isinstance(text, Secret) and not text.known):
            return text
        try:
            value = singles.convert(node, text, shape.form, self._folder)
            singles.allowed(value, shape.rules)
        except singles.MisfitError as misfit:
            what = misfit.what.replace("{}", f"`{label}`", 1)
            hint = misfit.hint or self._meant(text, misfit)
            self._problems.add(what, node.where, misfit.why, hint)
            return BAD
        return value

    def _too_late(self, text: Late, node: Node, label: str) -> _Bad:
        gap = next(part for part in text.parts if isinstance(part, Handout))
        why = f"AWS hands it out when {gap.ref.root} is made, and this must be known before"
        where = node.spot(str(gap), 0) if isinstance(node, Scalar) else node.where
        self._problems.add(f"{shown(gap)} has no place in `{label}`", where, why)
        return BAD

    def _no_secret(self, node: Node, label: str) -> _Bad:
        why = "whoever may look at what it belongs to could read it"
        self._problems.add(f"a secret has no place in `{label}`", node.where, why, SECRETS_GO)
        return BAD

    def _meant(self, text: str, misfit: singles.MisfitError) -> str:
        if isinstance(text, Secret):
            return ""
        numbers = [one for one in misfit.choices if isinstance(one, int)]
        if numbers and re.fullmatch(r"[0-9]{1,12}", text):
            return f"the nearest is {min(numbers, key=lambda one: abs(one - int(text)))}"
        return self._problems.near(text, [str(one) for one in misfit.choices])

    def _json(self, node: Node, rules: Rules, path: Path_) -> Any:
        tree = self._tree(node, path, None if rules.secret or self._secrets else _label(path))
        if isinstance(tree, _Bad):
            return BAD
        if mixed(tree):
            why = "what AWS hands out is recorded, a secret never is"
            what = f"a secret and what AWS hands out in one `{_label(path)}`"
            self._problems.add(what, node.where, why, "use two values")
            return BAD
        text = canonical(tree)
        return self._too_late(text, node, _label(path)) if isinstance(text, Late) and not rules.late else text

    def _document(self, node: Node, shape: Single, path: Path_) -> Any:
        """A mapping from here, or from the file that is named here: then its places are those in that file."""
        if isinstance(node, Scalar) and not node.empty:
            name = self._single(node, replace(shape, form=Form.FILE), path)
            if name is BAD:
                return BAD
            # As the user would write it, like the blueprint's own name in front of each place.
            file = Path(node.source.file).parent / Path(name).relative_to(self._folder.resolve())
            problems = Problems()
            try:
                node = load(file, problems)
                problems.check()
            except BlueprintError as error:
                for problem in error.problems:
                    self._problems.take(problem)
                return BAD
            self.at[path] = node.where
        if not isinstance(node, MappingNode):
            return self._mismatch(node, shape, path)
        return self._json(node, shape.rules, path)

    def _tree(self, node: Node, path: Path_, open_: str | None) -> Tree | _Bad:
        """The node as JSON. `open_` is the key that it stands under where all may see that: it must have no secrets."""
        match node:
            case MappingNode():
                found: dict[str, Tree] = {}
                for key, child in node.items.items():
                    self.at[*path, key] = node.at(key)
                    value = self._tree(child, (*path, key), open_)
                    if "${" in key.replace("$${", ""):
                        why = "only values are filled in: as a key it would go to AWS as it stands here"
                        self._problems.add(f"a reference cannot be a key: {shown(key)}", node.at(key), why)
                    elif not isinstance(value, _Bad):
                        found[key] = value
                return found if len(found) == len(node.items) else BAD
            case Sequence():
                self.at.update({(*path, index): item.where for index, item in enumerate(node.items)})
                values = [self._tree(item, (*path, index), open_) for index, item in enumerate(node.items)]
                good = [value for value in values if not isinstance(value, _Bad)]
                return good if len(good) == len(values) else BAD
            case Scalar(value=str()):
                text = self._resolver.text(node, self._user)
                if open_ is not None and isinstance(text, Secret):
                    return self._no_secret(node, open_)
                return BAD if text is None else text
            case Scalar():
                return node.value
        return BAD

    def _sized(self, count: int, what: str, rules: Rules, where: Location, path: Path_) -> bool:
        says = singles.outside(count, rules.range)
        if says:
            self._problems.add(f"`{_label(path)}` has {count} {what}", where, says)
        return not says

    def _mismatch(self, node: Node, shape: Shape, path: Path_) -> _Bad:
        label = _label(path)
        if isinstance(node, Scalar) and node.empty:
            self._problems.add(
                f"`{label}` is empty", node.where, f"it wants {wanted(shape)}", "give it a value, or leave the key out"
            )
            return BAD
        hint = ""
        if isinstance(shape, Many) and not isinstance(node, MappingNode):
            hint = "write a list: [a, b], or lines that begin with `- `"
        elif isinstance(shape, Keys):
            hint = f"its keys: {listed(keys_of(shape.cls))}"
        self._problems.add(f"`{label}` wants {wanted(shape)}, not {called(node)}", node.where, hint=hint)
        return BAD


def wanted(shape: Shape) -> str:
    """What a user should write."""
    match shape:
        case Single():
            return shape.form.value
        case Many():
            return "a list"
        case Either():
            return " or ".join(dict.fromkeys(wanted(arm) for arm in shape.arms))
        case _:
            return "a mapping"


def _label(path: Path_) -> str:
    """The name of a key for a message: the nearest one that is a word."""
    return next((shown(part)[1:-1] for part in reversed(path) if isinstance(part, str)), "value")


def _fits(node: Node, arm: Shape) -> bool:
    match node:
        case MappingNode():
            return isinstance(arm, Keys | Table) or (isinstance(arm, Single) and arm.form is Form.JSON)
        case Sequence():
            return isinstance(arm, Many) or (isinstance(arm, Single) and arm.form is Form.JSON)
        case Scalar():
            return isinstance(arm, Single) and _reads(node, arm)
    return False


def _reads(node: Scalar, arm: Single) -> bool:
    """Whether a single value of another form than text has that form, or could have it once references are filled."""
    forms: Mapping[Form, type[Any] | tuple[type[Any], ...]] = {
        Form.WHOLE: int, Form.FLAG: bool, Form.NUMBER: (int, float),
    }  # fmt: skip
    if arm.form is Form.WHOLE and isinstance(node.value, bool):
        return False
    if arm.rules.one_of and arm.form is not Form.WHOLE:
        return node.value in arm.rules.one_of or "${" in node.text
    return arm.form not in forms or isinstance(node.value, forms[arm.form])


def _likeness(node: MappingNode, arm: Shape) -> tuple[int, int]:
    if not isinstance(arm, Keys):
        return (0, 0)
    keys = keys_of(arm.cls)
    lacking = sum(key.required and key.name not in node.items for key in keys.values())
    return sum(name in keys for name in node.items), -lacking
