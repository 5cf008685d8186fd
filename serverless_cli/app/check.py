"""`slx check`: the end-to-end checks of a stack that is up, from its record; without one, from its blueprint."""

from __future__ import annotations

from collections.abc import Callable

from serverless_cli import withheld
from serverless_cli.app import checking, stacks
from serverless_cli.app.lost import recalled
from serverless_cli.app.session import open_session
from serverless_cli.app.settings import Settings
from serverless_cli.errors import Exit, SlxError
from serverless_cli.fill import fill, reveal
from serverless_cli.model import CheckResult, Place, Record
from serverless_cli.secret import Param


def check(settings: Settings, stack: str | None, listen: Callable[[CheckResult], None]) -> tuple[CheckResult, ...]:
    """What each check saw. Raises SlxError: no such stack, or nobody knows what its checks are; (usage) for parameters
    given for this run that are no secrets, and others than at the last `up`."""
    with open_session(settings) as session:
        place = stacks.choose(session, stack)
        record = recalled(session, place)
        if not record.blueprint:
            raise _unknown(place)
        known = {ref: entry.outputs for ref, entry in record.entries.items()}
        checks = reveal(record.checks, _secrets(settings, record))
        return checking.run(session.aws, fill(checks, known), listen)


def _unknown(place: Place) -> SlxError:
    name = f"{place.stack}/{place.stage}"
    why = "its record is lost, and its blueprint is not in this folder"
    return SlxError(f"the checks of {name} are not known", why, "run this where the blueprint is")


def _secrets(settings: Settings, record: Record) -> dict[str, str]:
    """What is given of the stack's secrets. All else that its checks were made of is recorded."""
    specs = [entry.spec for entry in record.entries.values()]
    asked = {
        part.name
        for secret in withheld.secrets((record.checks, tuple(specs)))
        for part in secret.parts
        if isinstance(part, Param)
    }
    for name, value in settings.parameters.items():
        if name not in asked and record.parameters.get(name) != value:
            raise SlxError(
                f"the parameter `{name}` cannot be given to a check",
                "only secrets are given again; all else is as it was at the last `up`",
                f"its secrets: {', '.join(sorted(asked))}" if asked else "run `slx up` with it",
                exit_code=Exit.USAGE,
            )
    forms = {name: withheld.environment(name) for name in asked}
    said = {name: settings.environment[form] for name, form in forms.items() if form in settings.environment}
    return {**said, **settings.parameters}
