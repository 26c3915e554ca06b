"""Statements that need no session, asked within one.

What a cast does is written for a plain connection: it runs from beginning to end without waiting for anything else.
Whoever has a session asks by the same functions, in the session's own transaction.
"""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlmodel.ext.asyncio.session import AsyncSession

Given = ParamSpec("Given")
Result = TypeVar("Result")


async def within(
    session: AsyncSession,
    ask: Callable[Concatenate[Connection, Given], Result],
    *given: Given.args,
    **named: Given.kwargs,
) -> Result:
    """Run a function over the connection of a session."""
    return await session.run_sync(lambda inner: ask(inner.connection(), *given, **named))
