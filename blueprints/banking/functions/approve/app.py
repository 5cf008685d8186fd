"""The good branch: the conditions of a deposit. Pure calculation; it needs no rights at all."""

from calendar import monthrange
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

RATES_PERCENT = {6: Decimal("2.0"), 12: Decimal("2.5"), 24: Decimal("2.75"), 36: Decimal("3.0")}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Add rate, maturity and payout to a valid request."""
    cents, months = event["amount_cents"], event["months"]
    rate = RATES_PERCENT[months]
    today = datetime.now(UTC).date()
    return {
        "id": event["id"],
        "customer": event["customer"],
        "amount_cents": cents,
        "months": months,
        "rate_percent": str(rate),  # as text: between steps there is JSON, which knows no exact decimals
        "opened": today.isoformat(),
        "matures": after(today, months).isoformat(),
        "payout_cents": cents + interest(cents, rate, months),
    }


def interest(cents: int, rate_percent: Decimal, months: int) -> int:
    """Simple interest in cents, rounded as banks do: halves to the even neighbour."""
    exact = Decimal(cents) * rate_percent / 100 * months / 12
    return int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))


def after(start: date, months: int) -> date:
    """The same day so many months later; the month's last where it has no such day."""
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    return date(year, month, min(start.day, monthrange(year, month)[1]))
