"""Logs: one JSON line an event, to standard error, that never holds what somebody sent.

A request's line has its method, its route's name, its status, its time taken, and why it was refused if it was: no
address, no network, no person.
A bug's line has the kind of exception and where it was raised: never its message, which may quote an answer.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

KEPT = ("method", "route", "status", "milliseconds", "refused", "job", "seconds", "vote", "trouble")


class JsonLines(logging.Formatter):
    """Write a record as one line of JSON; line breaks and control characters are escaped by JSON itself."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in KEPT if hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["at_lines"] = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames[-8:]]
        return json.dumps(line)  # in ASCII: some readers end a line at U+2028 or U+0085


def set_up(level: int = logging.INFO) -> None:
    """Send every logger's lines to standard error as JSON; the libraries' own only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("khma").setLevel(level)
