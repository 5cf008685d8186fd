"""Where a command works: AWS, another endpoint, or the local target; and where its state is kept.

No resource file knows which target it got: only the connection and the form of URLs differ.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import field
from typing import TypeVar

from serverless_cli import local
from serverless_cli.app import reality
from serverless_cli.app.settings import Settings
from serverless_cli.aws.actions import services
from serverless_cli.aws.calls import Aws
from serverless_cli.aws.identity import Connecting, Credentials
from serverless_cli.errors import SlxError
from serverless_cli.model import Place, Urls, Verb
from serverless_cli.names import digest
from serverless_cli.records import dataclass
from serverless_cli.resources import KINDS
from serverless_cli.state.address import S3Address
from serverless_cli.state.s3 import S3Store
from serverless_cli.state.store import FileStore, StackKey, Store

T = TypeVar("T")

STATE_FOLDER = ".slx"


class ElsewhereError(SlxError):
    """The account is another one than was presumed; nothing has been written on AWS."""

    def __init__(self) -> None:
        super().__init__("these credentials are another account's", hint="run the same command again")


def _sure() -> None:
    """Nothing was presumed."""


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
    confirm: Callable[[], None] = _sure
    """waits for AWS's word that the account is the presumed one. Raises ElsewhereError, else as connecting does"""

    def place(self, stack: str, stage: str | None = None) -> Place:
        stage = stage or self.settings.stage
        wheels = "host" if self.instance else ""
        return Place(stack, stage, self.region, self.account, self.partition, self.suffix, self.urls, wheels)

    def key(self, place: Place) -> StackKey:
        return StackKey(self.target, place.stack, place.stage)


def nearby(settings: Settings) -> Store | None:
    """Where journals and locks are kept, if that is a folder: what can be read before there is a connection.

    Raises SlxError (usage) for a state that is neither a folder nor in S3.
    """
    place = settings.state or STATE_FOLDER
    return None if S3Address.parse(place) else FileStore(settings.folder / place)


def store(settings: Settings, aws: Aws, account: str, place: str | None = None) -> Store:
    """Where journals and locks are kept; `place` is another one than the settings say. Calls nothing."""
    place = place or settings.state or STATE_FOLDER
    address = S3Address.parse(place)
    if address is None:
        return FileStore(settings.folder / place)
    return S3Store(aws, address, account, notify=settings.notify)


def endpoint(settings: Settings) -> str | None:
    """The endpoint that was named outright, instead of AWS's own."""
    return None if settings.local else settings.endpoint_url or os.environ.get("AWS_ENDPOINT_URL")


@contextmanager
def open_session(settings: Settings, *, kinds: Iterable[str] = (), presuming: bool = False) -> Iterator[Session]:
    """Connects, starting the local target if that is meant and none runs. Raises SlxError: credentials, network.

    The clients of these `kinds` are made while AWS is asked who we are. When `presuming`, the account may be the one
    that the credentials were of before, or that the records of this folder name: then nothing must be written, or told,
    before `confirm`.
    """
    nearby(settings)  # a state that cannot be is said to be so before anything is called
    ran = settings.local and local.find(settings.folder)
    instance = ran or _started(settings) if settings.local else None
    connecting = _connecting(settings, instance)
    try:
        connecting.warm(sorted(services(action for kind in kinds for action in KINDS[kind].permissions[Verb.READ])))
        presumed = _presumed(settings, connecting) if presuming else None
        account = presumed or connecting.wait().account

        def confirm() -> None:
            if connecting.wait().account != account:
                raise ElsewhereError

        session = Session(
            settings,
            connecting.aws,
            store(settings, connecting.aws, account),
            _target(settings, account, connecting.region),
            connecting.region,
            account,
            connecting.partition,
            connecting.suffix,
            _urls(instance) if instance else Urls(),
            instance,
            confirm if presumed else _sure,
        )
        try:
            yield session
        finally:
            if instance and not ran:
                _stop_if_empty(session)
    finally:
        connecting.close()


def _stop_if_empty(session: Session) -> None:
    """Whoever started the local target and leaves no stack there stops it: a mere look leaves no process behind.

    It goes on where it cannot be seen that nothing is in it.
    """
    with suppress(SlxError):
        if local.find(session.settings.folder) is None or any(_is_local(key) for key in session.store.stacks()):
            return
        if not any(one.mark for many in reality.search(session.aws, None).values() for one in many):
            session.settings.notify("stopping the local target: no stack is in it")
            local.stop(session.settings.folder)


def _is_local(key: StackKey) -> bool:
    """Whether a stack is on the local target, whatever its region."""
    return key.target == "local" or key.target.startswith("local-")


def _connecting(settings: Settings, instance: local.Instance | None) -> Connecting:
    try:
        return Connecting(
            profile=None if instance else settings.profile,
            region=(settings.region or instance.region) if instance else settings.region,
            endpoint_url=instance.url if instance else None if settings.endpoint_ambient else endpoint(settings),
            credentials=Credentials(instance.access_key, instance.secret_key) if instance else None,
            observer=settings.observe,
        )
    except SlxError as error:
        if settings.region and repr(settings.region) in error.what:
            error.where = settings.region_where
        raise


@contextmanager
def looking(
    settings: Settings, look: Callable[[Session], AbstractContextManager[T]], kinds: Iterable[str] = ()
) -> Iterator[T]:
    """What `look` makes of a session, of whose account AWS's word has come by then.

    `look` only reads, and may be called twice: reads do not wait for that word where the account can be presumed.
    """
    with ExitStack() as held:
        try:
            found = held.enter_context(_looked(settings, look, kinds, presuming=True))
        except ElsewhereError:
            found = held.enter_context(_looked(settings, look, kinds, presuming=False))
        yield found


@contextmanager
def _looked(
    settings: Settings, look: Callable[[Session], AbstractContextManager[T]], kinds: Iterable[str], *, presuming: bool
) -> Iterator[T]:
    with ExitStack() as held:
        session = held.enter_context(open_session(settings, kinds=kinds, presuming=presuming))
        try:
            found = held.enter_context(look(session))
        except SlxError:
            session.confirm()  # what is wrong with the credentials, or the account, explains all that came of it
            raise
        session.confirm()
        yield found


def _presumed(settings: Settings, connecting: Connecting) -> str | None:
    """The credentials' account when they were last used; else the one that this folder's records for the same endpoint
    and region name, if it is only one. None where even looking writes: a lock in S3."""
    keeper = nearby(settings)
    if settings.local or keeper is None:
        return None
    if connecting.presumed:
        return connecting.presumed
    before, _, after = _target(settings, "/", connecting.region).partition("/")
    targets = {key.target for key in keeper.stacks()}
    accounts = {
        name.removeprefix(before).removesuffix(after)
        for name in targets
        if name.startswith(before) and name.endswith(after)
    }
    return accounts.pop() if len(accounts) == 1 and all(one.isdigit() for one in accounts) else None


def _started(settings: Settings) -> local.Instance:
    settings.notify("starting the local target")
    return local.ensure(settings.folder)


def _urls(instance: local.Instance) -> Urls:
    """The local forms; they are the emulator's, so it is asked with placeholders that survive `format`."""
    return Urls(api=local.api_url(instance.port, "{id}", "$default"), site=local.site_url(instance.port, "{bucket}"))


def _target(settings: Settings, account: str, region: str) -> str:
    if settings.local:
        return "local" if region == "us-east-1" else f"local-{region}"
    url = endpoint(settings)
    return f"endpoint-{digest(url)}-{account}-{region}" if url else f"aws-{account}-{region}"
