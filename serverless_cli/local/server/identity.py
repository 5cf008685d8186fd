"""The instance's own key: the account's root, with its signature checked as any other key's."""

from __future__ import annotations

from serverless_cli.local.server import engine
from serverless_cli.local.server.context import Here


def install(here: Here) -> None:
    """Take the root's rights from every guessable key and give them to the instance's key.

    ministack does not check the signatures of what it takes for root keys (`test`, any 12 digits, the
    environment's), but those of sessions; so the instance's key is a session of the root that never expires.
    """
    for module in ("core.iam_evaluator", "services.sts"):
        engine.Part(module)["is_root_access_key"] = _is_inside_call
    facts = here.facts
    engine.Part("services.sts")["register_session"](
        facts.access_key,
        {
            "Arn": f"arn:aws:iam::{facts.account}:root",
            "AccountId": facts.account,
            "UserId": facts.account,
            "SecretAccessKey": facts.secret_key,
            "PrincipalType": "Root",
        },
    )


def _is_inside_call(access_key_id: str) -> bool:
    """Calls from one service of ministack to another carry no key; unsigned requests never get this far."""
    return not access_key_id
