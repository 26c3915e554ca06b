"""The database's clock, stopped at a moment: every statement of `commons.clock.now` gets it, on either database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, event

from commons.clock import CLOCKS


@contextmanager
def database_clock(moment: datetime) -> Iterator[None]:
    """Let every engine of this process answer `moment` where it is asked for the present.

    Where the statement is not known any more, nothing is answered for it: a test that relies on this then fails.
    """
    text = moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    said = {CLOCKS["sqlite"]: f"'{text}'", CLOCKS["postgresql"]: f"timestamptz '{text}+00'"}

    def stop(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> tuple[str, Any]:  # noqa: ANN401
        for asked, answered in said.items():
            statement = statement.replace(asked, answered)
        return statement, parameters

    event.listen(Engine, "before_cursor_execute", stop, retval=True)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", stop)
