"""Moments of the extension module as `datetime`."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def moment(millis: int) -> datetime:
    """The moment so many milliseconds after 1970-01-01 UTC."""
    return EPOCH + timedelta(milliseconds=millis)


def _read(text: str) -> datetime:
    """The moment of that text, which is not quoted if it is none: it could be a misplaced secret."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        pass
    raise ValueError(f"a text of {len(text)} characters is no moment: write it as 2026-08-01 or 2026-08-01T09:30:00Z")


def seconds(given: object) -> float:
    """Seconds since 1970-01-01 UTC of a `datetime`, a `date`, a text in ISO 8601 or a number. Without a time zone, UTC is meant."""
    if isinstance(given, str):
        given = _read(given)
    if isinstance(given, date) and not isinstance(given, datetime):
        given = datetime(given.year, given.month, given.day)
    if isinstance(given, datetime):
        return (given if given.tzinfo else given.replace(tzinfo=timezone.utc)).timestamp()
    return float(given)  # type: ignore[arg-type]
