"""`dataclass`, whose methods are made when first called: most classes of a short command are never instantiated.

The standard library compiles five to seven functions for each frozen dataclass while its module is imported: 0.5 ms,
and 40 % of what `slx up` spent when nothing was to do. Here the standard library makes the fields and the slots, in a
tenth of that; comparing and hashing need no code of their own; and what makes an instance is one function, compiled for
the first one: 0.1 ms where the standard library takes 0.4. `repr` and the order are the standard library's own, taken
from a twin of the class that it makes in full.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    import dataclasses

    _ORDER = ("__lt__", "__le__", "__gt__", "__ge__")

    def dataclass(cls: type | None = None, /, **options: bool) -> Any:
        """As `dataclasses.dataclass`; knows no `InitVar` and no `unsafe_hash`."""
        return (lambda it: _made(it, options)) if cls is None else _made(cls, options)

    def _made(cls: type, options: dict[str, bool]) -> type:
        own = frozenset(vars(cls))
        if cls.__doc__ is None:
            cls.__doc__ = ""  # where the standard library would write the signature, at some cost
        shape = {key: options[key] for key in ("kw_only", "slots") if key in options}
        made = dataclasses.dataclass(init=False, repr=False, eq=False, **shape)(cls)
        eq, frozen = options.get("eq", True), options.get("frozen", False)
        later = {"__init__": _init} if options.get("init", True) else {}
        later |= {"__repr__": _repr} if options.get("repr", True) else {}
        later |= dict.fromkeys(_ORDER, _order) if options.get("order", False) else {}
        for name, make in later.items():
            if name not in own:
                setattr(made, name, _stub(made, name, make, frozen))
        if eq:
            for name, method in _comparing(made, frozen).items():
                if name not in own:
                    setattr(made, name, method)
        if eq and not frozen and "__hash__" not in own:
            made.__hash__ = None
        if frozen:
            made.__setattr__, made.__delattr__ = _no_assignment, _no_deletion
            if options.get("slots"):
                made.__getstate__, made.__setstate__ = _state, _set_state
        return made

    def _stub(cls: type, name: str, make: Callable[[type, str, bool], Any], frozen: bool) -> Any:
        """Stands for a method until it is first called; then the method takes its place."""

        def stub(self: Any, *args: Any, **kwargs: Any) -> Any:
            setattr(cls, name, make(cls, name, frozen))
            return getattr(cls, name)(self, *args, **kwargs)

        stub.__name__, stub.__qualname__ = name, f"{cls.__qualname__}.{name}"
        return stub

    def _init(cls: type, _: str, frozen: bool) -> Any:
        """`__init__`: one function, with its defaults in a scope of its own."""
        given: list[str] = []
        named: list[str] = []
        scope: dict[str, Any] = {"__set": object.__setattr__, "__new": object()}
        lines = []
        for one in dataclasses.fields(cls):
            value, default = one.name, ""
            if one.default is not dataclasses.MISSING:
                scope[f"__{one.name}"], default = one.default, f"=__{one.name}"
                value = value if one.init else f"__{one.name}"
            elif one.default_factory is not dataclasses.MISSING:
                scope[f"__{one.name}"], default = one.default_factory, "=__new"
                value = f"__{one.name}() if {value} is __new else {value}" if one.init else f"__{one.name}()"
            elif not one.init:
                continue
            if one.init:
                (named if one.kw_only else given).append(one.name + default)
            lines.append(f" __set(self, {one.name!r}, {value})" if frozen else f" self.{one.name} = {value}")
        if hasattr(cls, "__post_init__"):
            lines.append(" self.__post_init__()")
        taken = ", ".join(["self", *given, *(["*", *named] if named else [])])
        exec("\n".join([f"def __init__({taken}):", *(lines or [" pass"])]), scope)  # noqa: S102 - as the library does
        made = scope["__init__"]
        made.__qualname__, made.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
        return made

    def _comparing(cls: type, frozen: bool) -> dict[str, Any]:
        """`__eq__` and, of what cannot change, `__hash__`."""
        every = dataclasses.fields(cls)
        compared = _values([one.name for one in every if one.compare])
        hashed = _values([one.name for one in every if (one.compare if one.hash is None else one.hash)])

        def __eq__(self: Any, other: object) -> Any:  # noqa: N807
            return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

        def __hash__(self: Any) -> int:  # noqa: N807
            return hash(hashed(self))

        return {"__eq__": __eq__, **({"__hash__": __hash__} if frozen else {})}

    def _values(names: list[str]) -> Callable[[Any], Any]:
        return attrgetter(*names) if names else lambda _: ()

    def _repr(cls: type, name: str, _: bool) -> Any:
        return vars(_twin(cls, repr=True))[name]

    def _order(cls: type, name: str, _: bool) -> Any:
        return vars(_twin(cls, order=True, eq=True))[name]

    def _twin(cls: type, **wanted: bool) -> type:
        """A class of the same fields, made by the standard library with these methods only. They name no class but
        that of `self`."""
        fields = {one.name: one for one in dataclasses.fields(cls)}
        space = {"__annotations__": {name: one.type for name, one in fields.items()}, "__module__": cls.__module__}
        given = {"init": False, "repr": False, "eq": False, "match_args": False} | wanted
        return dataclasses.dataclass(**given)(type(cls.__qualname__, (), {**space, "__doc__": "", **fields}))

    def _no_assignment(_: Any, name: str, __: object) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def _no_deletion(_: Any, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def _state(self: Any) -> list[Any]:
        return [getattr(self, one.name) for one in dataclasses.fields(self)]

    def _set_state(self: Any, state: list[Any]) -> None:
        for one, value in zip(dataclasses.fields(self), state, strict=True):
            object.__setattr__(self, one.name, value)
