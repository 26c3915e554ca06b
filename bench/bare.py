"""Nothing of ours behind the door: what framework and server cost alone, and with one row that is on disk."""

import os
from uuid import UUID, uuid4

from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.params import FromPath
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database

FRAME = "<!doctype html><title>bare</title><p>"
db = Database(os.environ.get("KHMA_DATABASE_URL", "sqlite:///nowhere"))


class Mark(SQLModel, table=True):
    """Whatever was sent."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    body: bytes


@get("/{size:int}")
async def bare(size: FromPath[int]) -> Response[str]:
    """Give a page of so many bytes."""
    return Response(FRAME + "x" * (size - len(FRAME)), media_type=MediaType.HTML)


@post("/")
async def record(request: Request) -> None:  # type: ignore[type-arg]
    """Insert one row, and answer once it is on disk."""

    async def work(session: AsyncSession, mark: Mark) -> None:
        session.add(mark)

    mark = Mark(body=await request.body())
    await db.write(lambda session: work(session, mark))


app = Litestar([bare, record], openapi_config=None, logging_config=None)
