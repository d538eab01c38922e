"""What happens with credentials, in the log: logger ``ledgerauth``, structured by ``extra``; and a filter that takes secrets out of any record.

Calls are at level ``DEBUG``, what happens to tokens and keys at ``INFO``, what goes wrong at ``WARNING``. Each record has the fields of the
:class:`ledgerauth.AuditEvent` as attributes (``provider``, ``environment``, ``path``, ``status``, ``request_id``, ``fingerprint``, ...), the name of what
happened as ``what``.
"""

from __future__ import annotations

import json
import logging

from ledgerauth._ledgerauth import Redactor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from ledgerauth import AuditEvent

__all__ = ["RedactFilter", "logger"]

logger = logging.getLogger("ledgerauth")
"""The logger of this package. It prints nothing by itself."""
logger.addHandler(logging.NullHandler())

# What a record has by itself: the fields of which this filter takes care one by one, and numbers.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_formatter = logging.Formatter()


def _log(level: int, event: AuditEvent) -> None:
    """Logs an event; called by the extension module."""
    if logger.isEnabledFor(level):
        logger.log(level, "%s", event, extra=event.as_dict())


class RedactFilter(logging.Filter):
    """Takes secrets out of every record that passes: message, arguments, ``extra`` fields, tracebacks.

    Put it on handlers, because a logger's filters do not see what other loggers pass up::

        for handler in logging.getLogger().handlers:
            handler.addFilter(ledgerauth.logging.RedactFilter())
    """

    def __init__(self, redactor: Optional[Redactor] = None) -> None:
        super().__init__()
        self._redactor = redactor or Redactor()

    def filter(self, record: logging.LogRecord) -> bool:
        """Redacts the record in place; lets every record pass."""
        redact = self._redactor.redact
        try:
            message = record.getMessage()
        except Exception:  # a record whose arguments do not fit: the handler says so, without them
            message = str(record.msg)
        record.msg, record.args = redact(message), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = _formatter.formatException(record.exc_info)
        if record.exc_text:
            record.exc_info, record.exc_text = None, redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        for name in record.__dict__.keys() - _OWN:
            record.__dict__[name] = self._field(name, record.__dict__[name])
        return True

    def _clean(self, value: Any) -> Any:
        """A value without secrets, whatever it is made of."""
        if isinstance(value, (str, bytes)):
            return self._redactor.redact(value)
        if value is None or isinstance(value, (int, float)):
            return value
        if isinstance(value, dict):
            return {key: self._field(key, item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._clean(item) for item in value]
        return self._redactor.redact(str(value))

    def _field(self, name: Any, value: Any) -> Any:
        """A value that its name may give away: ``{"password": "..."}`` is redacted as the JSON that it could be."""
        if not (isinstance(name, str) and isinstance(value, str)):
            return self._clean(value)
        try:
            return json.loads(self._redactor.redact(json.dumps({name: value})))[name]
        except (ValueError, KeyError):
            return "[redacted]"
