"""Named fakes for the tests of serverless_cli.aws: a clock that needs no time, a transport, a loopback endpoint."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from serverless_cli.aws.failure import Failure, Nature
from serverless_cli.aws.paging import further

WHO = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:%s:iam::123456789012:user/ann</Arn><UserId>U</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""


class FakeClock:
    """Sleeping moves it on at once; chance is always the same."""

    def __init__(self, chance: float = 0.5) -> None:
        self.time = 1000.0
        self.chance = chance
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.time += seconds
            self.slept.append(seconds)

    def random(self) -> float:
        return self.chance


class FakeTransport:
    """Answers calls from a list: a dict is returned, a Failure raised; the last one stays."""

    def __init__(self, *answers: dict[str, Any] | Failure) -> None:
        self.answers = list(answers) or [{}]
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self._lock = threading.Lock()

    def send(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.sent.append((operation, dict(parameters)))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Failure):
            raise Failure(operation, answer.nature, answer.code, answer.message, answer.status)
        return answer

    def pages(
        self, operation: str, parameters: Mapping[str, Any], call: Callable[..., Any]
    ) -> Iterable[dict[str, Any]]:
        return further(operation, parameters, lambda **page: call(operation, **page))


def refused(code: str, message: str = "", status: int = 400, operation: str = "") -> Failure:
    return Failure(operation, Nature.REFUSED, code, message, status)


def lost(message: str = "internal error", status: int = 500) -> Failure:
    return Failure("", Nature.LOST, "InternalFailure", message, status)


RESET, CLOSE, HANG = b"reset", b"close", b"hang"
"""instead of an answer: the connection is reset, or closed, after the request was read; or nothing ever comes"""


class Endpoint:
    """A loopback HTTP server that gives one answer to each request, in order; the last one stays."""

    def __init__(self, *answers: tuple[int, bytes] | bytes, tls: ssl.SSLContext | None = None) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
        self.url = f"{scheme}://{host}:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        socket.create_connection(self._socket.getsockname()).close()
        for thread in self._threads:
            thread.join(10)
        self._socket.close()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            connection, _ = self._socket.accept()
            if self._over.is_set():
                connection.close()
                return
            self.connections += 1
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self.requests.append(self._request(connection))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            self._answer(connection, answer)
        except OSError:
            pass
        finally:
            connection.close()

    def _answer(self, connection: socket.socket, answer: tuple[int, bytes] | bytes) -> None:
        if answer == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif answer == HANG:
            self._over.wait(10)
        elif isinstance(answer, tuple):
            status, body = answer
            head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode() + body)

    @staticmethod
    def _request(connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return data
            data += more
            if data[0] == 0x16 and b"\r\n\r\n" not in data:
                return data  # the start of TLS, to a server that speaks none
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body


def sts_error(code: str, message: str) -> bytes:
    return (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    ).encode()


def free_port() -> int:
    """A loopback port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def certificate(folder: Path, name: str) -> tuple[str, ssl.SSLContext]:
    """A file with a self-signed certificate for a host, and a server's context that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / f"{name}.pem", folder / f"{name}.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return str(public), context
