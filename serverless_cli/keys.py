"""How a blueprint type declares its keys: dataclass fields whose Annotated metadata says range, pattern and meaning.

Validation, documentation and the JSON Schema for editors all read these declarations; nothing is said twice.
A keys class is a frozen dataclass. Its fields are of: str, int, bool, float, Folder, FileName, Json, Document,
Literal, another keys class, tuple[T, ...], Mapping[str, T], `T | None`, or a union of str and a keys class (short and
long form).
A field without a default is required.
"""

from __future__ import annotations

from typing import NewType

from serverless_cli.records import dataclass

Folder = NewType("Folder", str)
"""A folder inside the blueprint's own, given relative to it; after reading: its absolute path."""

FileName = NewType("FileName", str)
"""A file inside the blueprint's folder, given relative to it; after reading: its absolute path."""

Json = NewType("Json", str)
"""Any YAML value; after reading: its canonical JSON text (keys sorted, no spaces)."""

Document = NewType("Document", str)
"""As Json, for a mapping that may also stand in a YAML or JSON file of its own, whose name is then given. References
count in both, and the places of what is in it are those in that file."""


@dataclass(frozen=True, slots=True)
class Doc:
    """What the key says, in one sentence, for editors and the manual."""

    text: str


@dataclass(frozen=True, slots=True)
class Range:
    """The smallest and largest value that AWS takes, both included; for text and lists: their length."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """The only values that AWS takes, where they are not worth a Literal (numbers, long lists)."""

    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """The form that AWS demands of a text; `says` is that form in words."""

    regex: str
    says: str


@dataclass(frozen=True, slots=True)
class KeyPattern:
    """As Pattern, for the keys of a mapping."""

    regex: str
    says: str


@dataclass(frozen=True, slots=True)
class LateOk:
    """The value may hold what is only known once another resource exists (`${api.url}`)."""


@dataclass(frozen=True, slots=True)
class SecretOk:
    """The value may be a secret: nobody sees it who may not also see what it is for. All other values are shown to
    whoever may look at the resource, if not to everybody."""
