"""Ours or somebody else's: what a create does when it finds that the name is taken."""

from __future__ import annotations

from typing import Any

from serverless_cli.aws.calls import Aws, Passing
from serverless_cli.errors import AwsError, SlxError
from serverless_cli.model import Mark, Observed, Place
from serverless_cli.resources.base import Here


class ForeignError(SlxError):
    """Something of that name exists and is not this stack's."""

    def __init__(self, here: Here, mark: Mark | None, note: str = "") -> None:
        whose = (
            f"it belongs to stack {mark.stack}/{mark.stage} in {mark.region}" if mark else "it carries no mark of slx"
        )
        super().__init__(
            f"{here.ref.kind} {here.name} exists already and is not this stack's",
            note or whose,
            f"give {here.ref.root} another name with `name:`, or refer to what is there with `existing: {here.name}`",
        )


def claim(here: Here, found: Observed | None) -> Observed | None:
    """What a create found under its name: returned if it is ours (None: nothing is there); else raises ForeignError.

    Without a mark it is ours only if the journal says that we were about to create it after a read had found nothing.
    """
    if found is None or found.mark == here.mark or (found.mark is None and here.expected):
        return found
    raise ForeignError(here, found.mark, found.note)


def belongs(mark: Mark | None, place: Place | None) -> bool:
    """Whether a mark is that of the place's stack; with None, of any stack of slx."""
    if mark is None or place is None:
        return mark is not None
    return (mark.stack, mark.stage, mark.region) == (place.stack, place.stage, place.region)


def hidden(error: AwsError) -> bool:
    """Whether an answer about a bucket means that it is another account's or in another region, or that its own policy
    locks us out. A permission that the caller lacks hides nothing: AWS names the caller, which it does only for what
    is in the caller's account, and then it is not known whose the bucket is."""
    if error.code in ("PermanentRedirect", "301", "IllegalLocationConstraintException"):
        return True
    named = "is not authorized to perform" in error.message and "resource-based policy" not in error.message
    return error.code in ("AccessDenied", "403") and not named


def attempt(
    aws: Aws, operation: str, taken: str, fragment: str = "", /, *, passing: tuple[Passing, ...] = (), **parameters: Any
) -> dict[str, Any] | None:
    """The answer of a create call; None when AWS answers that the name is taken (code `taken`, with that fragment).

    Whose it is must then be found out: an earlier attempt of ours whose answer was lost answers the same.
    """
    try:
        return aws.call(operation, passing=passing, **parameters)
    except AwsError as error:
        if error.code == taken and fragment in error.message.lower():
            return None
        raise
