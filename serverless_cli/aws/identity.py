"""Who we are on AWS and where: region, account, partition. Light to import: botocore comes with a connection."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field, replace
from typing import TYPE_CHECKING

from serverless_cli.aws.accounts import Accounts
from serverless_cli.aws.calls import Observer
from serverless_cli.aws.clock import Clock, WallClock
from serverless_cli.aws.failure import UNKNOWN_KEYS
from serverless_cli.aws.retry import Table
from serverless_cli.aws.session import Calls
from serverless_cli.aws.translate import keys_hint
from serverless_cli.errors import AwsError, Exit, SlxError
from serverless_cli.records import dataclass

if TYPE_CHECKING:
    from serverless_cli.aws.clients import Clients

IMPATIENT = Table(throttled_s=20.0, lost_s=8.0, unreachable_s=2.0)
"""for the first call: nothing has been begun that would be worth waiting for a network"""

_NO_CONNECTION = frozenset({"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """Access keys given outright, as the local target has them; nothing of the user's own configuration is read."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Connection:
    """AWS as one caller sees it from one region. `suffix` is the partition's domain; `caller` the caller's ARN."""

    aws: Calls = field(repr=False)
    region: str
    account: str
    partition: str
    suffix: str
    caller: str
    profile: str | None = None
    endpoint_url: str | None = None
    clients: Clients | None = field(default=None, repr=False)

    def close(self) -> None:
        """Closes connections and threads."""
        self.aws.close()
        if self.clients is not None:
            self.clients.close()


class Connecting:
    """A connection that AWS is being asked for whose it is; meanwhile clients are made, and reads may be begun."""

    def __init__(
        self,
        *,
        profile: str | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        credentials: Credentials | None = None,
        clock: Clock | None = None,
        observer: Observer | None = None,
    ) -> None:
        """As `connect`. Raises SlxError for what is wrong on this machine."""
        from serverless_cli.aws import clients as transport  # noqa: PLC0415 - botocore takes 180 ms; --help needs none
        from serverless_cli.aws import profile as configured  # noqa: PLC0415 - as above

        self._session = configured.open_session(profile, isolated=credentials is not None)
        self.region = configured.find_region(self._session, region)
        access_key = configured.access_key(self._session) if credentials is None else ""
        self.partition = configured.partition_of(self._session, self.region)
        self.suffix = configured.suffix_of(self._session, self.partition)
        self._profile = configured.name_of(self._session)
        keys = (credentials.access_key, credentials.secret_key, credentials.token) if credentials else None
        self._clients = transport.Clients(self._session, region=self.region, endpoint_url=endpoint_url, keys=keys)
        self.aws = Calls(self._clients, self.region, clock or WallClock.from_environment(), observer=observer)
        self._clients.client("sts")  # made here: threads that parse models only take turns
        self._owner = (access_key, self._clients.endpoint("sts"))
        self._accounts = Accounts() if access_key else None  # the local target's keys are nobody's
        self._asking = ThreadPoolExecutor(1, "identity")
        self._asked = self._asking.submit(_whose, self.aws, self._clients, self._profile)

    @property
    def presumed(self) -> str | None:
        """The account that the credentials were of when they were last used on this machine."""
        return self._accounts.of(*self._owner) if self._accounts else None

    def warm(self, services: Iterable[str]) -> None:
        """Makes the clients of these services, which somebody will soon need, while the answer is on its way."""
        for service in services:
            self._clients.client(service)

    def wait(self) -> Connection:
        """The connection. Raises SlxError: credentials, network."""
        account, caller = self._asked.result()
        if self._accounts:
            self._accounts.learn(*self._owner, account)
        partition = caller.split(":")[1]
        if partition != self.partition:
            from serverless_cli.aws import profile as configured  # noqa: PLC0415 - as above

            self.partition, self.suffix = partition, configured.suffix_of(self._session, partition)
        return Connection(
            aws=self.aws,
            region=self.region,
            account=account,
            partition=self.partition,
            suffix=self.suffix,
            caller=caller,
            profile=self._profile or None,
            endpoint_url=self._owner[1] or None,
            clients=self._clients,
        )

    def close(self) -> None:
        """Closes connections and threads."""
        self._asking.shutdown(wait=False, cancel_futures=True)
        self.aws.close()
        self._clients.close()


def connect(
    *,
    profile: str | None = None,
    region: str | None = None,
    endpoint_url: str | None = None,
    credentials: Credentials | None = None,
    clock: Clock | None = None,
    observer: Observer | None = None,
) -> Connection:
    """Finds region and credentials as the aws command does (AWS_REGION counts too), and asks AWS whose they are.

    A `clock` whose sleep raises ends pauses early, for Ctrl-C. Raises SlxError: credentials, usage, or network.
    """
    return Connecting(
        profile=profile,
        region=region,
        endpoint_url=endpoint_url,
        credentials=credentials,
        clock=clock,
        observer=observer,
    ).wait()


def _whose(aws: Calls, clients: Clients, profile: str) -> tuple[str, str]:
    """Account and ARN of the caller. GetCallerIdentity needs no permission and cannot be denied (STS reference)."""
    try:
        answer = replace(aws, table=IMPATIENT).call("sts.GetCallerIdentity")
    except AwsError as error:
        url = clients.client("sts").meta.endpoint_url if error.code in _NO_CONNECTION else ""
        raise _explained(error, profile, aws.region, url) from None
    return str(answer["Account"]), str(answer["Arn"])


def _explained(error: AwsError, profile: str, region: str, url: str) -> SlxError:
    if url:
        return SlxError(f"{url} cannot be reached", error.message, error.hint, exit_code=error.exit_code)
    if error.exit_code is not Exit.CREDENTIALS:
        return error
    what = "AWS does not know these credentials" if error.code in UNKNOWN_KEYS else "AWS refuses these credentials"
    if profile:
        what += f" (profile {profile})"
    hint = keys_hint(error.code, profile, region) or error.hint
    return SlxError(what, f"{error.message} ({error.code})", hint, exit_code=Exit.CREDENTIALS)
