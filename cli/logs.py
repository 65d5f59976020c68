"""The lines that a service writes to stderr: for people, or one JSON object each.

No client's address, no path and no message of a library's error: what the loggers here are given
is all there is, and tests/api/test_logging.py looks for secrets in it.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

__all__ = ["JsonLines", "logging_configuration"]

_PLAIN = "%(asctime)s %(levelname)s %(message)s"


class JsonLines(logging.Formatter):
    """A JSON object for each record: time, level, logger, and the message or its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        fields = record.args if isinstance(record.args, dict) else None
        return json.dumps({**said, **(fields or {"message": record.getMessage()})})


def logging_configuration(*, as_json: bool) -> dict[str, Any]:
    """For ``logging.config.dictConfig``, which uvicorn calls in each process."""
    formatter = {"()": JsonLines} if as_json else {"format": _PLAIN}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": formatter},
        "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "loggers": {
            "kvitto": {"handlers": ["lines"], "level": "INFO"},
            "uvicorn.error": {"handlers": ["lines"], "level": "WARNING"},
        },
    }
