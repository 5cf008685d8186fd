"""Output that cannot break a run: a reader that went away, or an encoding without our symbols, is no failure."""

from __future__ import annotations

import io
import os
from typing import IO, cast

from serverless_cli.ui.text import DASH

_SYMBOLS = str.maketrans({"✓": "ok", "✗": "x", "→": "->", "…": "...", DASH: "-", "·": "."})
_PROOF = f"✓✗→…·⠋{DASH}"


class Sink(io.TextIOBase):
    """A text stream in front of stdout or stderr. `None` (a closed descriptor) takes everything and shows nothing.

    What goes wrong must not stop a run half-way: it is kept in `failure`, for when the run has ended.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self.unicode = self._fits(_PROOF)
        self.failure: OSError | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    @property
    def stream(self) -> IO[str]:
        """Itself, as the type that rich asks for."""
        return cast(IO[str], self)

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        if self._stream is None:
            raise io.UnsupportedOperation
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._stream is not None:
            try:
                self._stream.write(text if self.unicode or self._fits(text) else self._plain(text))
            except OSError as error:
                self._leave(error)
        return len(text)

    def flush(self) -> None:
        if self._stream is not None:
            try:
                self._stream.flush()
            except OSError as error:
                self._leave(error)

    def _leave(self, error: OSError) -> None:
        """Nobody reads any more (`slx status | head -1`), or the disk is full: the rest goes nowhere, as does what
        Python flushes at its end."""
        if not isinstance(error, BrokenPipeError):
            self.failure = error
        stream, self._stream = self._stream, None
        if stream is None:
            return
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
        except (OSError, ValueError):  # a stream without a descriptor has nothing left to flush
            pass

    def _fits(self, text: str) -> bool:
        try:
            text.encode(self._encoding)
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def _plain(self, text: str) -> str:
        return text.translate(_SYMBOLS).encode(self._encoding, errors="replace").decode(self._encoding)
