"""The database's clock, stopped at a moment: every statement of `commons.clock.now` gets it, on either database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def database_clock(moment: datetime) -> Iterator[None]:
    """Let every engine of this process answer `moment` where it is asked for the present.

    Where the statement is not known any more, nothing is answered for it: a test that relies on this then fails.
    """
    text = moment.strftime("%Y-%m-%d %H:%M:%S.%f")

    def stop(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> tuple[str, Any]:  # noqa: ANN401
        before, asked, after = statement.partition("strftime(?, ?)")
        if asked:  # its two parameters stand after those of what comes before it
            at = before.count("?")
            return f"{before}'{text}'{after}", (*parameters[:at], *parameters[at + 2 :])
        return statement.replace("clock_timestamp()", f"timestamptz '{text}+00'"), parameters

    event.listen(Engine, "before_cursor_execute", stop, retval=True)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", stop)
