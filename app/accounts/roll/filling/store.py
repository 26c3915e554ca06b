"""Lists on their way into a roll, and the roll's versions.

A short list is taken at once. A long one is kept in packed slices; a worker writes them out one transaction at a time,
as lines that belong to nobody yet, and the last transaction makes them the roll, all or none. So no other writer waits
for long, a killed worker goes on where it was, and who reads meanwhile sees the roll as it was.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, bindparam, func, insert, literal, update
from sqlalchemy import select as select_columns
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.filling.plan import ADD, RENAME, STRIKE, Plan, unpack
from app.accounts.roll.filling.tables import PendingRollLine, RollImport, RollImportPart, Stage
from app.accounts.roll.importing import Report, hash_of_lines, mark_fact_of
from app.accounts.roll.second_fact import SecondFactMark
from app.accounts.roll.store import add_lines, check_growing, find_on_roll, hold_roll
from app.accounts.tables import Account, RollLine, RollVersion
from commons.clock import now
from commons.errors import Conflict, NotFound
from commons.ids import new_id
from commons.tables import Json, Texts

MOST_AT_ONCE = 2_000
"""Up to so many changed lines are taken while the page waits; more are left to the worker."""
GIVEN_UP_AFTER = timedelta(hours=1)
KEPT = timedelta(days=30)

_CLEARED_AT_ONCE = 5_000


async def take(
    session: AsyncSession,
    roll_id: UUID,
    report: Report,
    by: UUID,
    *,
    withdraw: bool = False,
    mark_fact: SecondFactMark | None = None,
    fact_names: Texts | None = None,
) -> RollVersion:
    """Do what a report says, all of it or nothing: add, rename, and, where asked, strike off who is not in the file.

    mark_fact: as the report was made with it. fact_names: what the facts are called from now on; none: as they were.
    Raises:  NotFound "roll.unknown"; Conflict "roll.in_use", "roll.import_running", or "roll.changed_meanwhile" where
             the roll is not as the report saw it.
    Cost:    O(lines of the roll), in one transaction: for short lists.
    """
    roll = await hold_roll(session, roll_id)
    await check_growing(session, roll_id)
    await check_idle(session, roll_id)
    roll.fact_names = fact_names or roll.fact_names
    session.add(roll)
    there = {each.reference: each for each in await find_on_roll(session, roll_id)}
    gone = report.missing if withdraw else []
    if any(there.get(each.reference) != each for each in (*gone, *(old for _, old in report.changed))):
        raise Conflict("roll.changed_meanwhile")
    await add_lines(session, roll_id, report.new, mark_fact)
    connection = await session.connection()
    line = (col(RollLine.roll_id) == roll_id, col(RollLine.reference) == bindparam("of"))
    if report.changed:
        changing = update(RollLine).where(*line)
        changing = changing.values(name=bindparam("to"), person_mac=bindparam("person"), fact_mac=bindparam("fact"))
        changing = changing.values(facts=bindparam("told", type_=Json))
        changed = [
            {
                "of": old.reference,
                "to": entry.name or old.name,
                "person": entry.person or old.person,
                "told": entry.facts_after(old),
                "fact": mark_fact_of(entry, old.line_id, mark_fact) or old.fact,
            }
            for entry, old in report.changed
        ]
        await connection.execute(changing, changed)
    if gone:
        striking = update(RollLine).where(*line).values(struck_at=await now(session))
        await connection.execute(striking, [{"of": each.reference} for each in gone])
    return await note_version(
        session, roll_id, by, added=len(report.new), renamed=len(report.changed), struck=len(gone)
    )


async def begin(
    session: AsyncSession, roll_id: UUID, plan: Plan, seen: int, by: UUID, fact_names: Texts | None = None
) -> RollImport:
    """Keep a long list, so that a worker brings it into the roll.

    seen:    number of the roll's version that the plan was made from (`newest_version`).
    Raises:  NotFound "roll.unknown"; Conflict "roll.in_use", "roll.import_running" or "roll.changed_meanwhile".
    """
    await hold_roll(session, roll_id)
    await check_growing(session, roll_id)
    await check_idle(session, roll_id)
    if await newest_version(session, roll_id) != seen:
        raise Conflict("roll.changed_meanwhile")
    moment = await now(session)
    filling = RollImport(
        roll_id=roll_id,
        seen=seen,
        acts=plan.acts,
        added=plan.added,
        renamed=plan.renamed,
        struck=plan.struck,
        hash=plan.hash,
        lines=plan.lines,
        fact_names=fact_names or {},
        asked_by=by,
        asked_at=moment,
        moved_at=moment,
    )
    session.add(filling)
    await session.flush()
    session.add_all(
        RollImportPart(import_id=filling.id, number=number, packed=packed) for number, packed in enumerate(plan.parts)
    )
    await session.flush()
    return filling


async def write_on(session: AsyncSession, import_id: UUID) -> bool:
    """Do the next piece of an import: write a slice out; or, once all are, make them the roll; then tidy up.

    Returns: whether there is more to do.
    Cost:    a slice; the one piece that makes them the roll is O(lines of the list), in three statements.
    """
    query = select(RollImport).where(RollImport.id == import_id).with_for_update()
    if (filling := (await session.exec(query)).first()) is None:
        return False
    if filling.stage is not Stage.WRITING:
        return await _clear(session, import_id)
    parts = select(RollImportPart).where(RollImportPart.import_id == import_id)
    part = (await session.exec(parts.order_by(col(RollImportPart.number)).limit(1))).first()
    if part is None:
        await _enter(session, filling)
    else:
        filling.written += await _write_out(session, part)
    filling.moved_at = await now(session)
    session.add(filling)
    await session.flush()
    return True


async def _write_out(session: AsyncSession, part: RollImportPart) -> int:
    acts = unpack(part.packed)
    rows = [
        {
            "import_id": part.import_id,
            "reference": each.reference,
            "act": each.act,
            "line_id": each.line_id or new_id(),
            "name": each.name,
            "person_mac": each.person,
            "facts": each.facts,
            "fact_mac": each.fact,
        }
        for each in acts
    ]
    await (await session.connection()).execute(insert(PendingRollLine), rows)
    await session.delete(part)
    return len(acts)


async def _enter(session: AsyncSession, filling: RollImport) -> None:
    """Make the lines that wait the roll, or say why not; then nothing of them is."""
    try:
        async with session.begin_nested():
            await _make_roll(session, filling)
    except Conflict as refused:
        _fail(filling, refused)
    except IntegrityError:  # a reference that came on the roll by another way
        _fail(filling, Conflict("roll.changed_meanwhile"))
    else:
        filling.stage = Stage.DONE


def _fail(filling: RollImport, why: Conflict) -> None:
    filling.stage, filling.trouble = Stage.FAILED, why.code


async def _make_roll(session: AsyncSession, filling: RollImport) -> None:
    roll_id = filling.roll_id
    roll = await hold_roll(session, roll_id)
    await check_growing(session, roll_id)
    if await newest_version(session, roll_id) != filling.seen:
        raise Conflict("roll.changed_meanwhile")
    roll.fact_names = filling.fact_names or roll.fact_names
    session.add(roll)
    connection = await session.connection()

    def waiting(act: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return col(PendingRollLine.import_id) == filling.id, col(PendingRollLine.act) == act

    kept = ("reference", "name", "person_mac", "facts", "fact_mac")
    line_id = col(PendingRollLine.line_id)
    words = [col(getattr(PendingRollLine, name)) for name in kept]
    adding = select_columns(line_id, literal(roll_id, Uuid()), *words).where(*waiting(ADD))
    adding = adding.order_by(col(PendingRollLine.reference))
    new_lines = insert(RollLine).from_select(["id", "roll_id", *kept], adding)
    counted = {"preserve_rowcount": True}
    done = [(await connection.execute(new_lines, execution_options=counted)).rowcount]
    of_roll = update(RollLine).where(col(RollLine.roll_id) == roll_id)
    for act in (RENAME, STRIKE):
        named = select(PendingRollLine.reference).where(*waiting(act))
        of_line = (*waiting(act), PendingRollLine.reference == RollLine.reference)
        renamed = {name: select(getattr(PendingRollLine, name)).where(*of_line).scalar_subquery() for name in kept[1:]}
        change = {"struck_at": await now(session)} if act == STRIKE else renamed
        changing = of_roll.where(col(RollLine.reference).in_(named), col(RollLine.struck_at).is_(None))
        done.append((await connection.execute(changing.values(change))).rowcount)
    if done != [filling.added, filling.renamed, filling.struck]:
        raise Conflict("roll.changed_meanwhile")
    version = RollVersion(
        roll_id=roll_id,
        number=filling.seen + 1,
        hash=filling.hash,
        lines=filling.lines,
        added=filling.added,
        renamed=filling.renamed,
        struck=filling.struck,
        made_by=filling.asked_by,
        made_at=await now(session),
    )
    session.add(version)
    await session.flush()


async def _clear(session: AsyncSession, import_id: UUID) -> bool:
    """Forget what was written out for an import that is over, so many lines at a time.

    Returns: whether there were any.
    """
    await session.exec(delete(RollImportPart).where(col(RollImportPart.import_id) == import_id))
    some = select(PendingRollLine.reference).where(PendingRollLine.import_id == import_id).limit(_CLEARED_AT_ONCE)
    own = delete(PendingRollLine).where(col(PendingRollLine.import_id) == import_id)
    return (await session.exec(own.where(col(PendingRollLine.reference).in_(some)))).rowcount > 0


async def check_idle(session: AsyncSession, roll_id: UUID) -> None:
    """Check that no list is on its way into a roll. Raises Conflict "roll.import_running"."""
    query = select(RollImport.id).where(RollImport.roll_id == roll_id, RollImport.stage == Stage.WRITING)
    if (await session.exec(query)).first() is not None:
        raise Conflict("roll.import_running")


async def find_import(session: AsyncSession, roll_id: UUID, import_id: UUID) -> RollImport:
    """Find one import into a roll. Raises NotFound "roll.import_unknown"."""
    filling = await session.get(RollImport, import_id)
    if filling is None or filling.roll_id != roll_id:
        raise NotFound("roll.import_unknown")
    return filling


async def find_newest_import(session: AsyncSession, roll_id: UUID) -> RollImport | None:
    """Find the long list that came last; None where there was none for a month."""
    query = select(RollImport).where(RollImport.roll_id == roll_id).order_by(col(RollImport.asked_at).desc()).limit(1)
    return (await session.exec(query)).first()


async def give_up_imports(session: AsyncSession) -> Sequence[UUID]:
    """Stop imports that have not moved for an hour, and forget old ones. Returns those that are to be tidied up."""
    moment = await now(session)
    stuck = select(RollImport).where(RollImport.stage == Stage.WRITING, RollImport.moved_at < moment - GIVEN_UP_AFTER)
    given_up = (await session.exec(stuck.with_for_update(skip_locked=True))).all()
    for filling in given_up:
        _fail(filling, Conflict("roll.import_stopped"))
        filling.moved_at = moment
        session.add(filling)
    over = delete(RollImport).where(col(RollImport.stage) != Stage.WRITING, col(RollImport.moved_at) < moment - KEPT)
    await session.exec(over)
    await session.flush()
    return [filling.id for filling in given_up]


async def note_version(
    session: AsyncSession,
    roll_id: UUID,
    by: UUID,
    *,
    added: int = 0,
    renamed: int = 0,
    struck: int = 0,
    restored: int = 0,
) -> RollVersion:
    """Note what the roll is after a change, and how much it changed.

    Cost: O(lines of the roll): 100,000 take about half a second.
    """
    lines = [each for each in await find_on_roll(session, roll_id) if not each.is_struck]
    version = RollVersion(
        roll_id=roll_id,
        number=await newest_version(session, roll_id) + 1,
        hash=hash_of_lines(lines),
        lines=len(lines),
        added=added,
        renamed=renamed,
        struck=struck,
        restored=restored,
        made_by=by,
        made_at=await now(session),
    )
    session.add(version)
    await session.flush()
    return version


async def newest_version(session: AsyncSession, roll_id: UUID) -> int:
    """Find the number of a roll's newest version; 0 before there is one."""
    query = select(func.coalesce(func.max(RollVersion.number), 0)).where(RollVersion.roll_id == roll_id)
    return (await session.exec(query)).one()


async def find_versions(session: AsyncSession, roll_id: UUID, most: int) -> list[tuple[RollVersion, str]]:
    """Find the last changes of a roll, the newest first, each with the name of who confirmed it."""
    query = select(RollVersion, func.coalesce(Account.name, "")).join(
        Account, col(Account.id) == col(RollVersion.made_by), isouter=True
    )
    query = query.where(RollVersion.roll_id == roll_id).order_by(col(RollVersion.number).desc()).limit(most)
    return [(version, name) for version, name in await session.exec(query)]
