"""Malformed blueprints that no text file can hold well: bytes, bombs, giants, and files that are none."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cases import BLUEPRINT

HANDLER = "def handler(event, context):\n    return event\n"
QUEUE = b"name: web\nresources: {jobs: {type: queue}}\n"
WORK = b"name: web\nresources:\n  work: {type: function, code: ./mine}\n"
FLOW = b"name: web\nresources:\n  flow: {type: state-machine, definition: mine.yaml}\n"
GB = 1 << 30


@dataclass(frozen=True, slots=True)
class Hostile:
    """One input. `make` puts it into an empty folder; `where` is the place of its first problem, as (file, line,
    column), or None for what has no line; `says` is in the message."""

    category: str
    title: str
    make: Callable[[Path], object]
    where: tuple[str, int, int] | None
    says: str

    @property
    def id(self) -> str:
        return f"{self.category}: {self.title}"


def _raw(content: bytes, name: str = BLUEPRINT) -> Callable[[Path], object]:
    return lambda home: (home / name).write_bytes(content)


def _with(content: bytes, *more: Callable[[Path], object]) -> Callable[[Path], object]:
    """The blueprint, and what else lies in the folder."""

    def make(home: Path) -> None:
        for one in (_raw(content), *more):
            one(home)

    return make


def _code(source: bytes, name: str = "app.py") -> Callable[[Path], object]:
    def make(home: Path) -> None:
        (home / "mine").mkdir(exist_ok=True)
        (home / "mine" / name).write_bytes(source)

    return make


def _sparse(name: str, size: int) -> Callable[[Path], object]:
    """A file that takes no room on the disk, whatever its size says."""

    def make(home: Path) -> None:
        path = home / name
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size)

    return make


def _aliases(count: int, width: int) -> bytes:
    """Each line names the one before it `width` times: width to the power of count values."""
    lines = [b"a0: &a0 [" + b",".join([b"1"] * width) + b"]"]
    lines += [b"a%d: &a%d [%s]" % (n, n, b",".join([b"*a%d" % (n - 1)] * width)) for n in range(1, count)]
    return b"\n".join(lines)


def _nested(levels: int) -> bytes:
    """A state machine with a Parallel in a Parallel, and so on."""
    inner: object = {"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}
    for n in range(levels):
        inner = {"StartAt": f"P{n}", "States": {f"P{n}": {"Type": "Parallel", "End": True, "Branches": [inner]}}}
    return json.dumps(inner).encode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


PNG = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", bytes(13)) + _chunk(b"IEND", b"")
HERE = BLUEPRINT

ENCODINGS = (
    ("latin-1", "description: Bücher\n".encode("latin-1") + QUEUE, (HERE, 1, 15), "not UTF-8"),
    ("quotes of Windows", b"description: \x93web\x94\n" + QUEUE, (HERE, 1, 14), "not UTF-8"),
    ("an overlong NUL", b"description: a\xc0\x80b\n" + QUEUE, (HERE, 1, 15), "not UTF-8"),
    ("half a surrogate", b"description: a\xed\xa0\x80b\n" + QUEUE, (HERE, 1, 15), "not UTF-8"),
    ("a letter that is cut at the end", QUEUE + b"# \xc3", (HERE, 3, 3), "not UTF-8"),
    ("beyond Unicode", b"description: \xf4\x90\x80\x80\n" + QUEUE, (HERE, 1, 14), "not UTF-8"),
    ("UTF-16", QUEUE.decode().encode("utf-16"), None, "UTF-16"),
    ("UTF-16, the other way round", b"\xfe\xff" + QUEUE.decode().encode("utf-16-be"), None, "UTF-16"),
    ("UTF-16 without its mark", QUEUE.decode().encode("utf-16-le"), (HERE, 1, 2), "a NUL byte"),
    ("UTF-32", QUEUE.decode().encode("utf-32"), None, "UTF-16"),
    (
        "a byte order mark in the middle",
        b"name: web\n\xef\xbb\xbfresources: {}\n",
        (HERE, 2, 2),
        "the indentation does not fit",
    ),
    ("a picture", PNG, (HERE, 1, 1), "not UTF-8"),
    ("a compressed file", zlib.compress(QUEUE * 100), (HERE, 1, 2), "not UTF-8"),
    ("a program", b"\x7fELF\x02\x01\x01" + bytes(50), (HERE, 1, 1), "control character U+007F"),
)
CONTROLS = (
    ("a NUL", b"name: web\0\n", (HERE, 1, 10), "a NUL byte"),
    ("a NUL in a comment", QUEUE + b"# \0\n", (HERE, 3, 3), "a NUL byte"),
    ("nothing but NULs", bytes(5000), (HERE, 1, 1), "a NUL byte"),
    ("a bell", QUEUE + b"# \x07\n", (HERE, 3, 3), "U+0007"),
    ("a sequence that clears the screen", b"name: \x1b[2Jweb\n", (HERE, 1, 7), "U+001B"),
    ("a sequence that sets the title", b"# \x1b]0;owned\x07\n" + QUEUE, (HERE, 1, 3), "U+001B"),
    ("a form feed", b"name: web\x0c\nresources: {}\n", (HERE, 1, 10), "U+000C"),
    ("a backspace", b"name: wev\x08b\n", (HERE, 1, 10), "U+0008"),
    ("DEL", b"name: web\x7f\n", (HERE, 1, 10), "U+007F"),
    ("a control character of C1", "name: web\x9b\n".encode(), (HERE, 1, 10), "U+009B"),
    ("U+FFFE", "name: web\ufffe\n".encode(), (HERE, 1, 10), "U+FFFE"),
    (
        "an escape for a NUL in an id",
        b'name: web\nresources: {"a\\0b": {type: queue}}\n',
        (HERE, 2, 13),
        "cannot be an id",
    ),
    (
        "an escape for a sequence in a type",
        b'name: web\nresources: {a: {type: "\\e[31m"}}\n',
        (HERE, 2, 23),
        "unknown type",
    ),
    (
        "an id that hides its end",
        "name: web\nresources: {a\u2028b: {type: queue}}\n".encode(),
        (HERE, 3, 2),
        "goes wrong here",
    ),
    ("carriage returns alone", b"name: web\rresources: {jobs: {type: queu}}\r", (HERE, 2, 26), "did you mean `queue`?"),
    (
        "all line ends at once",
        b"name: web\r\nresources:\r  jobs:\n    type: queu\r\n",
        (HERE, 4, 11),
        "did you mean `queue`?",
    ),
)
GIANTS = (
    ("10 MB of text", _raw(b"a" * 10_000_000), None, "too large"),
    ("10 MB of comments", _raw(b"# nothing\n" * 1_000_000), None, "too large"),
    ("10 MB of good resources", _raw(b"name: web\nresources:\n" + b"".join(b"  jobs%06d: {type: queue}\n" % n for n in range(400_000))), None, "too large"),
    ("10 GB without content", _sparse(BLUEPRINT, 10 * GB), None, "too large"),
    ("one byte too many", _raw(QUEUE + b"#" * (1_000_001 - len(QUEUE))), None, "too large"),
    ("brackets", _raw(b"[" * 900_000), (HERE, 1, 51), "too deep"),
    ("braces", _raw(b"{a: " * 240_000), (HERE, 1, 201), "too deep"),
    ("dashes", _raw(b"- " * 400_000), (HERE, 1, 101), "too deep"),
    ("stairs", _raw(b"".join(b" " * n + b"a:\n" for n in range(1200))), (HERE, 51, 51), "too deep"),
    ("keys that are braces", _raw(b"? " * 400_000), (HERE, 1, 101), "too deep"),
    ("an endless list", _raw(b"a: [" + b"1," * 400_000 + b"]"), (HERE, 1, 200_003), "too many values"),
    ("a bomb of aliases", _raw(_aliases(12, 10)), (HERE, 5, 38), "too many values"),
    ("a bomb of aliases that are mappings", _raw(b"a0: &a0 {k: 1}\n" + b"".join(b"a%d: &a%d {x: *a%d, y: *a%d}\n" % (n, n, n - 1, n - 1) for n in range(1, 40))), (HERE, 15, 15), "too many values"),
    ("a bomb of merge keys", _raw(b"a: &a {" + b", ".join(b"k%d: 1" % n for n in range(999)) + b"}\n" + b"".join(b"m%d: {<<: *a}\n" % n for n in range(5000))), (HERE, 35, 1), "too many values"),
    ("merge keys in a row", _raw(b"a: &a {k: 1}\nb: {<<: [" + b"*a," * 200_000 + b"]}\n"), (HERE, 2, 100_003), "too many values"),
    ("one alias, often", _raw(b"a: &a [" + b"1," * 9000 + b"]\n" + b"".join(b"b%d: *a\n" % n for n in range(50_000))), (HERE, 12, 6), "too many values"),
    ("55,000 anchors", _raw(b"".join(b"a%d: &a%d 1\n" % (n, n) for n in range(55_000))), (HERE, 50_001, 1), "too many values"),
    ("a key of 900,000 letters", _raw(b"name: web\nresources: {? " + b"a" * 900_000 + b" : {type: queue}}\n"), (HERE, 2, 15), "too long"),
    ("a name of 900,000 letters", _raw(b"name: " + b"a" * 900_000 + b"\nresources: {}\n"), (HERE, 1, 7), "cannot be the name"),
    ("a number of 900,000 digits", _raw(b"name: web\nresources: {jobs: {type: queue, delay_s: " + b"9" * 900_000 + b"}}\n"), (HERE, 2, 42), "wants a whole number"),
    ("a number with a huge exponent", _raw(b"name: web\nresources: {jobs: {type: queue, delay_s: 1e99999999}}\n"), (HERE, 2, 42), "wants a whole number"),
    ("200,000 references in one text", _raw(b'name: web\nresources: {work: {type: function, code: ./mine, environment: {AA: "' + b"${a.b}" * 140_000 + b'"}}}\n'), (HERE, 2, 42), "no such folder"),
    ("references that are never closed", _raw(b'name: web\nresources: {}\noutputs: {a: "' + b"${a." * 200_000 + b'"}\n'), (HERE, 3, 15), "is no reference"),
    ("dollars", _raw(b'name: web\nresources: {}\noutputs: {a: "' + b"$" * 900_000 + b"{" + b'"}\noutput: {}\n'), (HERE, 4, 1), "did you mean `outputs`?"),
    ("20,000 unknown keys", _raw(b"name: web\nresources:\n  jobs:\n    type: queue\n" + b"".join(b"    kee%d: 1\n" % n for n in range(20_000))), (HERE, 5, 5), "unknown key"),
    ("20,000 resources of an unknown type", _raw(b"name: web\nresources:\n" + b"".join(b"  r%d: {type: queu}\n" % n for n in range(20_000))), (HERE, 3, 14), "unknown type"),
    ("10,000 queues and one mistake", _raw(b"name: web\nresources:\n" + b"".join(b"  r%d: {type: queue}\n" % n for n in range(10_000)) + b"  last: {type: queu}\n"), (HERE, 10_003, 16), "unknown type `queu`"),
    ("15,000 resources of one name", _raw(b"name: web\nresources:\n" + b"".join(b"  r%d: {type: queue, name: jobs}\n" % n for n in range(15_000))), (HERE, 3, 21), "have one name"),
    ("10,000 checks that are none", _raw(b"name: web\nresources: {}\nchecks:\n" + b"- gett: x\n" * 10_000), (HERE, 4, 3), "did you mean `get`?"),
    ("a circle of 5,000", _raw(b"name: web\nresources:\n" + b"".join(b"  r%d: {type: queue, depends_on: r%d}\n" % (n, (n + 1) % 5000) for n in range(5000))), None, "is a circle"),
    ("2,000 circles", _raw(b"name: web\nresources:\n" + b"".join(b"  a%d: {type: queue, depends_on: b%d}\n  b%d: {type: queue, depends_on: a%d}\n" % (n, n, n, n) for n in range(2000))), (HERE, 3, 21), "is a circle"),
    ("300 routes too many", _raw(b"name: web\nresources:\n  api:\n    type: http-api\n    routes:\n" + b"".join(b"      GET /r%d: work\n" % n for n in range(600))), (HERE, 6, 7), "it takes 1 to 300"),
    ("a definition of 10 MB", _with(FLOW, _raw(b"#" * 10_000_000, "mine.yaml")), None, "mine.yaml is too large"),
    ("a definition that is a bomb of aliases", _with(FLOW, _raw(_aliases(12, 10), "mine.yaml")), ("mine.yaml", 5, 38), "too many values"),
    ("a definition in UTF-16", _with(FLOW, _raw("StartAt: A\n".encode("utf-16"), "mine.yaml")), None, "UTF-16"),
    ("parallel states in parallel states", _with(FLOW, _raw(_nested(40), "mine.yaml")), ("mine.yaml", 1, 1046), "too deep"),
    ("a pattern of a rule of 40 levels", _raw(b"name: web\nresources:\n  jobs: {type: queue}\n  hear: {type: rule, targets: [jobs], pattern: " + b"{a: " * 40 + b"1" + b"}" * 40 + b"}\n"), (HERE, 4, 205), "wants a list"),
)  # fmt: skip
FILES = (
    ("a folder for a blueprint", lambda home: (home / BLUEPRINT).mkdir(), None, "no blueprint"),
    ("a pipe for a blueprint", lambda home: os.mkfifo(home / BLUEPRINT), None, "no blueprint"),
    ("a link to a device for a blueprint", lambda home: (home / BLUEPRINT).symlink_to("/dev/zero"), None, "no blueprint"),
    ("a link to itself for a blueprint", lambda home: (home / BLUEPRINT).symlink_to(BLUEPRINT), None, "no blueprint"),
    ("no blueprint", lambda _: None, None, "no blueprint"),
    ("a handler in a pipe", _with(WORK, lambda home: (home / "mine").mkdir(), lambda home: os.mkfifo(home / "mine/app.py")), (HERE, 3, 26), "is no file"),
    ("a handler with a NUL", _with(b"name: web\nresources:\n  work: {type: function, code: ./mine, runtime: python3.11}\n", _code(b"def handler(event, context):\n    return '\0'\n")), ("mine/app.py", 1, 1), "app.py"),
    ("a handler in Latin-1", _with(b"name: web\nresources:\n  work: {type: function, code: ./mine, runtime: python3.11}\n", _code(b"# \xfc\n" + HANDLER.encode())), ("mine/app.py", 1, 1), "encoding"),
    ("a handler that nests without end", _with(b"name: web\nresources:\n  work: {type: function, code: ./mine, runtime: python3.11}\n", _code(b"handler = " + b"(" * 5000 + b"1" + b")" * 5000)), ("mine/app.py", 1, 211), "app.py"),
    ("a handler of 100,000 signs", _with(b"name: web\nresources:\n  work: {type: function, code: ./mine, runtime: python3.11, handler: app.other}\n", _code(b"handler = " + b"-" * 100_000 + b"1\n")), (HERE, 3, 61), "app.py"),
    ("code of 300 MB", _with(WORK, _code(HANDLER.encode()), _sparse("mine/model.bin", 300 << 20)), (HERE, 3, 26), "too large"),
    ("code of 10,000 GB", _with(WORK, _code(HANDLER.encode()), _sparse("mine/model.bin", 10_000 * GB)), (HERE, 3, 26), "too large"),
    ("code of exactly 250 MB", _with(WORK, _code(HANDLER.encode()), _sparse("mine/model.bin", (250 << 20) - len(HANDLER))), (HERE, 3, 26), "too large"),
    ("a layer of 300 MB", _with(b"name: web\nresources:\n  work: {type: function, code: ./mine, layers: [./big]}\n", _code(HANDLER.encode()), _sparse("big/model.bin", 300 << 20)), (HERE, 3, 49), "too large"),
    ("requirements of 10 GB", _with(b"name: web\nresources:\n  work: {type: function, code: ./mine, requirements: needs.txt}\n", _code(HANDLER.encode()), _sparse("needs.txt", 10 * GB)), (HERE, 3, 40), "at most"),
    ("requirements from a device", _with(b"name: web\nresources:\n  work: {type: function, code: ./mine, requirements: needs.txt}\n", _code(HANDLER.encode()), _raw(b"-r /dev/zero\n", "needs.txt")), ("needs.txt", 1, 1), "outside"),
    ("requirements from a pipe", _with(b"name: web\nresources:\n  work: {type: function, code: ./mine, requirements: needs.txt}\n", _code(HANDLER.encode()), _raw(b"-r pipe\n", "needs.txt"), lambda home: os.mkfifo(home / "pipe")), ("needs.txt", 1, 1), "it is no file"),
    ("requirements in UTF-16", _with(b"name: web\nresources:\n  work: {type: function, code: ./mine, requirements: needs.txt}\n", _code(HANDLER.encode()), _raw("pillow\n".encode("utf-16"), "needs.txt")), (HERE, 3, 40), "not UTF-8"),
    ("patterns of an ignore file that never end", _with(b"name: web\nresources:\n  work: {type: function, code: ./mine, handler: other.handler}\n", _code(HANDLER.encode()), _code((b"/".join([b"**"] * 40) + b"/x\n" + b"*a" * 200 + b"b\n"), ".slxignore"), lambda home: (home / "mine" / "/".join(["a" * 100] * 20)).mkdir(parents=True), _code(b"", "/".join(["a" * 100] * 20) + "/f")), (HERE, 3, 40), "no file for the handler"),
)  # fmt: skip

HOSTILE = (
    *(Hostile("encodings", title, _raw(raw), where, says) for title, raw, where, says in ENCODINGS),
    *(Hostile("controls", title, _raw(raw), where, says) for title, raw, where, says in CONTROLS),
    *(Hostile("giants", title, make, where, says) for title, make, where, says in GIANTS),
    *(Hostile("files", title, make, where, says) for title, make, where, says in FILES),
)


def judge(one: Hostile, code: int, said: str) -> str:
    """In what the answer is not what it must be; empty when it is."""
    if "Traceback" in said or "a bug in slx" in said:
        return "a traceback"
    if code != 2:
        return f"it exits {code}"
    place = ":".join(map(str, one.where)) + ": " if one.where else ""
    if not any(line.startswith(place) and one.says in line for line in _joined(said)):
        return f"no {place}...{one.says} in {said[:600]!r}"
    return "" if len(said) < LONGEST else f"it says {len(said):,} characters"


LONGEST = 100_000


def _joined(said: str) -> list[str]:
    """A line for each problem, its hint at its end."""
    lines: list[str] = []
    for line in said.splitlines():
        if line.startswith(" ") and lines:
            lines[-1] += line
        else:
            lines.append(line)
    return lines
