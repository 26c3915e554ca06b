"""A second fact on the list of a vote that is held already."""

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.second_fact import SecondFactMarker
from app.accounts.tables import Roll, RollLine
from tests.plumbing.votes import HeldVote

BORN = "Year of birth"


async def know_second_facts(vote: HeldVote, *facts: str) -> None:
    """Let the list of a vote know a fact of each of its people, in the order of its codes; "" for none."""
    mark = SecondFactMarker(vote.house.config.secret)

    async def work(session: AsyncSession) -> None:
        lines = {line.id: line for line in await session.exec(select(RollLine))}
        for line_id, fact in zip(vote.lines, facts, strict=False):
            lines[line_id].fact_mac = mark(line_id, fact) if fact else None
        roll = (await session.exec(select(Roll).where(Roll.id == lines[vote.lines[0]].roll_id))).one()
        roll.fact_names = {"en": BORN, "ka": "დაბადების წელი", "ar": "سنة الميلاد"}

    await vote.house.db.write(work)
