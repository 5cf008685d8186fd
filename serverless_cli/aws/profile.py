"""What the user has configured for AWS: profile, region, credentials. Every way for it to be wrong gets its remedy."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable

import botocore.session
from botocore import exceptions as boto

from serverless_cli.aws.models import Models
from serverless_cli.aws.translate import sign_in_hint
from serverless_cli.errors import Exit, SlxError

_NOWHERE = (None, None, None, None)
"""a setting of botocore's that is looked up in no file and no environment variable"""


def open_session(profile: str | None, *, isolated: bool = False) -> botocore.session.Session:
    """A session for a profile (None: AWS_PROFILE, else the default one). `isolated` reads no configuration at all."""
    if isolated:
        session = botocore.session.Session(
            session_vars={
                "profile": _NOWHERE,
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )
        session.register_component("data_loader", Models())
        return session
    session = botocore.session.Session(profile=profile)
    try:
        session.get_scoped_config()
    except boto.ProfileNotFound:
        raise _unknown_profile(str(session.profile), session.available_profiles) from None
    except (boto.ConfigParseError, boto.ConfigNotFound) as error:
        raise SlxError(
            "the AWS configuration cannot be read", str(error), "Correct that file.", exit_code=Exit.CREDENTIALS
        ) from None
    session.register_component("data_loader", Models(session.get_config_variable("data_path")))
    return session


def name_of(session: botocore.session.Session) -> str:
    """The profile in use; empty for the default one."""
    return str(session.profile or "")


def find_region(session: botocore.session.Session, region: str | None) -> str:
    """The region given, else AWS_REGION, AWS_DEFAULT_REGION, the profile's. Raises SlxError if there is none such."""
    found = region or os.environ.get("AWS_REGION") or session.get_config_variable("region")
    if not found:
        raise SlxError(
            "no region is set",
            "neither --region nor AWS_REGION is given, and the profile has none",
            "Add `--region eu-central-1`, or run `aws configure set region eu-central-1`.",
            exit_code=Exit.USAGE,
        )
    known = set(_regions(session))
    if found not in known:
        raise SlxError(
            f"there is no region {found!r}",
            "AWS's list of regions, as far as the installed boto3 knows it, does not have it",
            f"{_did_you_mean(str(found), known)}If it is brand new: `pip install --upgrade boto3`.",
            exit_code=Exit.USAGE,
        )
    return str(found)


def partition_of(session: botocore.session.Session, region: str) -> str:
    """The partition that a region belongs to, as far as botocore knows; else `aws`."""
    for each in session.get_component("data_loader").load_data("partitions")["partitions"]:
        if region in each["regions"]:
            return str(each["id"])
    return "aws"


def suffix_of(session: botocore.session.Session, partition: str) -> str:
    """The domain of a partition's endpoints: `amazonaws.com`, in China `amazonaws.com.cn`, and so on."""
    for each in session.get_component("data_loader").load_data("partitions")["partitions"]:
        if each["id"] == partition:
            return str(each["outputs"]["dnsSuffix"])
    return "amazonaws.com"


def access_key(session: botocore.session.Session) -> str:
    """The key of the credentials, which are loaded as far as that goes without AWS's word on them.

    Raises SlxError with what to run.
    """
    profile = name_of(session)
    try:
        found = session.get_credentials()
        if found is not None:
            return str(found.get_frozen_credentials().access_key)
    except boto.BotoCoreError as error:
        raise _unusable(error, profile) from None
    except boto.ClientError as error:
        told = error.response.get("Error", {})
        raise SlxError(
            f"the role of profile {profile or 'default'} cannot be assumed",
            f"{told.get('Message', '')} ({told.get('Code', 'Unknown')})",
            "Its trust policy must allow you to, and your own credentials must be valid.",
            exit_code=Exit.CREDENTIALS,
        ) from None
    whom = f" for profile {profile}" if profile else ""
    raise _no(f"no AWS credentials found{whom}", "", sign_in_hint(profile))


_REMEDIES: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
    (
        (boto.PartialCredentialsError,),
        "the AWS credentials{whose} are incomplete",
        "Run `aws configure{option}`, or set the missing one.",
    ),
    (
        (boto.SSOError, boto.TokenRetrievalError, boto.NoAuthTokenError),
        "the SSO session{whose} has expired or was never begun",
        "Run `aws sso login{option}`, then the command again. `--local` needs no credentials.",
    ),
    (
        (boto.LoginError,),
        "the login session{whose} has expired or was never begun",
        "Run `aws login{option}`, then the command again. `--local` needs no credentials.",
    ),
    (
        (boto.MissingDependencyException,),
        "the AWS credentials{whose} need another package",
        "Run `pip install 'botocore[crt]'`.",
    ),
    (
        (boto.InvalidConfigError, boto.InfiniteLoopConfigError),
        "the AWS configuration{whose} contradicts itself",
        "Correct ~/.aws/config.",
    ),
)
"""what is wrong and what to run, by botocore's exceptions"""


def _unusable(error: boto.BotoCoreError, profile: str) -> SlxError:
    """What is wrong with the credentials, and the command that mends it."""
    words = {"option": f" --profile {profile}" if profile else "", "whose": f" of profile {profile}" if profile else ""}
    for classes, what, hint in _REMEDIES:
        if isinstance(error, classes):
            return _no(what.format(**words), str(error), hint.format(**words))
    # A credential process may say anything; a line of it is enough.
    return _no("the AWS credentials{whose} cannot be fetched".format(**words), str(error)[:300], sign_in_hint(profile))


def _no(what: str, why: str, hint: str) -> SlxError:
    return SlxError(what, why, hint, exit_code=Exit.CREDENTIALS)


def _unknown_profile(profile: str, available: list[str]) -> SlxError:
    known = ", ".join(sorted(available)) or "none"
    return _no(
        f"there is no AWS profile {profile!r}",
        f"the AWS configuration has: {known}",
        f"{_did_you_mean(profile, available)}`aws configure --profile {profile}` makes it.",
    )


def _did_you_mean(given: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(given, sorted(known), n=2)
    return f"Did you mean {' or '.join(close)}? " if close else ""


def _regions(session: botocore.session.Session) -> Iterable[str]:
    for partition in session.get_component("data_loader").load_data("partitions")["partitions"]:
        # `aws-global` and its like stand for services without regions.
        yield from (name for name in partition["regions"] if not name.endswith("-global"))
