"""Moments of the extension module as `datetime`."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def moment(millis: int) -> datetime:
    """The moment so many milliseconds after 1970-01-01 UTC."""
    return EPOCH + timedelta(milliseconds=millis)


def seconds(given: object) -> float:
    """Seconds since 1970-01-01 UTC of a `datetime`, a `date`, a text in ISO 8601 or a number. Without a time zone, UTC is meant."""
    if isinstance(given, str):
        given = datetime.fromisoformat(given.replace("Z", "+00:00"))
    if isinstance(given, date) and not isinstance(given, datetime):
        given = datetime(given.year, given.month, given.day)
    if isinstance(given, datetime):
        return (given if given.tzinfo else given.replace(tzinfo=timezone.utc)).timestamp()
    return float(given)  # type: ignore[arg-type]
