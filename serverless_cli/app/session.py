"""Where a command works: AWS, another endpoint, or the local target; and where its state is kept.

No resource file knows which target it got: only the connection and the form of URLs differ.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from serverless_cli import local
from serverless_cli.app.settings import Settings
from serverless_cli.aws.calls import Aws
from serverless_cli.aws.identity import Credentials, connect
from serverless_cli.errors import Exit, SlxError
from serverless_cli.model import Place, Urls
from serverless_cli.names import digest
from serverless_cli.state.store import FileStore, StackKey, Store

STATE_FOLDER = ".slx"


@dataclass(frozen=True, slots=True)
class Session:
    """A connection to one account and region. `target` names it in the state; `instance` is set on the local one."""

    settings: Settings
    aws: Aws
    store: Store
    target: str
    region: str
    account: str
    partition: str = "aws"
    suffix: str = "amazonaws.com"
    urls: Urls = field(default_factory=Urls)
    instance: local.Instance | None = None

    def place(self, stack: str, stage: str | None = None) -> Place:
        stage = stage or self.settings.stage
        wheels = "host" if self.instance else ""
        return Place(stack, stage, self.region, self.account, self.partition, self.suffix, self.urls, wheels)

    def key(self, place: Place) -> StackKey:
        return StackKey(self.target, place.stack, place.stage)


def store(settings: Settings) -> Store:
    """Where journals and locks are kept."""
    if settings.state:
        raise SlxError(
            f"cannot keep the state in {settings.state}",
            "only the folder .slx is supported so far",
            "leave out --state, or the setting `state`",
            exit_code=Exit.USAGE,
        )
    return FileStore(settings.folder / STATE_FOLDER)


def endpoint(settings: Settings) -> str | None:
    """The endpoint that was named outright, instead of AWS's own."""
    return None if settings.local else settings.endpoint_url or os.environ.get("AWS_ENDPOINT_URL")


@contextmanager
def open_session(settings: Settings) -> Iterator[Session]:
    """Connects, starting the local target if that is meant and none runs. Raises SlxError: credentials, network."""
    instance = _local(settings) if settings.local else None
    connection = connect(
        profile=None if instance else settings.profile,
        region=(settings.region or instance.region) if instance else settings.region,
        endpoint_url=instance.url if instance else endpoint(settings),
        credentials=Credentials(instance.access_key, instance.secret_key) if instance else None,
        observer=settings.observe,
    )
    try:
        yield Session(
            settings,
            connection.aws,
            store(settings),
            _target(settings, connection.account, connection.region),
            connection.region,
            connection.account,
            connection.partition,
            connection.suffix,
            _urls(instance) if instance else Urls(),
            instance,
        )
    finally:
        connection.close()


def _local(settings: Settings) -> local.Instance:
    found = local.find(settings.folder)
    if found is None:
        settings.notify("starting the local target")
        found = local.ensure(settings.folder)
    return found


def _urls(instance: local.Instance) -> Urls:
    """The local forms; they are the emulator's, so it is asked with placeholders that survive `format`."""
    return Urls(api=local.api_url(instance.port, "{id}", "$default"), site=local.site_url(instance.port, "{bucket}"))


def _target(settings: Settings, account: str, region: str) -> str:
    if settings.local:
        return "local" if region == "us-east-1" else f"local-{region}"
    url = endpoint(settings)
    return f"endpoint-{digest(url)}-{account}-{region}" if url else f"aws-{account}-{region}"
