"""Requests to the emulator's own endpoints, and its answers, proven with the instance's secret, never showing it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

HEADER = "x-slx-proof"
_GOOD_FOR_S = 60.0


def _digest(secret: str, *parts: str) -> str:
    return hmac.new(secret.encode(), "\n".join(parts).encode(), hashlib.sha256).hexdigest()


def ask(secret: str, method: str, path: str) -> str:
    """A header value that proves one request of this method and path, good for a minute."""
    now, nonce = str(int(time.time())), secrets.token_hex(16)
    return f"{now}.{nonce}.{_digest(secret, 'ask', method, path, now, nonce)}"


def asked(secret: str, method: str, path: str, value: str) -> bool:
    """Whether `value` proves that the sender knows the secret."""
    parts = value.split(".")
    if len(parts) != 3 or not parts[0].isdigit() or abs(time.time() - int(parts[0])) > _GOOD_FOR_S:
        return False
    wanted = _digest(secret, "ask", method, path, parts[0], parts[1])
    return hmac.compare_digest(wanted, parts[2])


def answer(secret: str, question: str, body: bytes) -> str:
    """A header value that proves that the answer to `question` comes from who knows the secret."""
    return _digest(secret, "answer", question, hashlib.sha256(body).hexdigest())


def answered(secret: str, question: str, body: bytes, value: str) -> bool:
    """Whether the answer is the instance's own and whole."""
    return hmac.compare_digest(answer(secret, question, body), value)
