"""One TLS context for all connections. botocore reads the bundle of CA certificates anew for each: 25 ms of CPU, which
14 first calls on 14 threads feel as 470 ms instead of 53 (design notes, performance)."""

from __future__ import annotations

import ssl
import threading
from typing import Any

from botocore import httpsession


class SharedTls:
    """Contexts by file of CA certificates, loaded when first needed."""

    def __init__(self) -> None:
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._files: dict[int, str] = {}
        self._lock = threading.Lock()

    def apply(self, client: Any) -> None:
        """Makes a client's connections use the shared context; leaves it alone where botocore looks unfamiliar, or
        where the user has switched certificates off or brings one of their own."""
        http = getattr(getattr(client, "_endpoint", None), "http_session", None)
        if not isinstance(http, httpsession.URLLib3Session) or not client.meta.endpoint_url.startswith("https:"):
            return
        verify, manager = getattr(http, "_verify", None), getattr(http, "_manager", None)
        if not verify or manager is None or getattr(http, "_cert_file", None):
            return
        file = self._files[id(client)] = str(httpsession.get_cert_path(verify))
        context = self._context(file)

        def certificates(connections: Any, *_: object) -> None:
            """In place of botocore's, which names the file, so that each connection loads it into the context."""
            connections.cert_reqs = "CERT_REQUIRED"
            connections.ca_certs = None

        manager.connection_pool_kw["ssl_context"] = context
        http._get_ssl_context = lambda: context  # noqa: SLF001 - for proxies, whose pools are made later
        http._setup_ssl_cert = certificates  # noqa: SLF001

    def checking(self, client: Any) -> ssl.SSLContext | None:
        """A context with the certificates of a client's shared one that compares host names, too: urllib3, which does
        that on its own, is not there for other connections. None where the client was left alone."""
        file = self._files.get(id(client))
        return ssl.create_default_context(cafile=file) if file else None

    def _context(self, file: str) -> ssl.SSLContext:
        with self._lock:
            if file not in self._contexts:
                context = httpsession.create_urllib3_context()
                context.load_verify_locations(cafile=file)
                self._contexts[file] = context
            return self._contexts[file]
