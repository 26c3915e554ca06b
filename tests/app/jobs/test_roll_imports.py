"""A worker that is killed while it brings a long list into a roll: the next one goes on, and nobody comes in twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID, uuid4

import anyio
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.filling.plan import plan_of
from app.accounts.roll.filling.store import begin, find_newest_import
from app.accounts.roll.filling.tables import RollImport, Stage
from app.accounts.roll.importing import examine, hash_of_lines
from app.accounts.roll.store import count_lines, find_on_roll
from app.db import Database
from app.jobs.store import enqueue
from tests.app.accounts.roll.lists import made_roll, people
from tests.conftest import Addresses
from tests.plumbing.server import SECRET
from tests.plumbing.sizes import tries

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[3]
PEOPLE, KILLS, WAIT_SECONDS = tries(16_000, 30_000), tries(2, 3), 60
LIST = "reference,name\n" + "".join(f"{each.reference},{each.name}\n" for each in people(PEOPLE))


def start_worker(addresses: Addresses, folder: Path) -> subprocess.Popen[bytes]:
    own = {"KHMA_DATABASE_URL": addresses.url, "KHMA_SECRET": SECRET, "KHMA_DATA": str(folder)}
    own |= {"KHMA_KEYS": str(folder / "keys"), "KHMA_DEMONSTRATION": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "worker"],
        cwd=ROOT,
        env=os.environ | own,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def state(db: Database, roll_id: UUID) -> tuple[RollImport, int]:
    async with db.reading() as session:
        filling = await find_newest_import(session, roll_id)
        assert filling is not None
        return filling, (await count_lines(session, roll_id)).lines


async def test_a_worker_killed_in_the_middle_leaves_nothing_half_done(
    db: Database, addresses: Addresses, tmp_path: Path
) -> None:
    roll_id = await made_roll(db)
    plan = plan_of(examine(LIST, []), [], withdraw=False)

    async def work(session: AsyncSession) -> None:
        filling = await begin(session, roll_id, plan, 0, uuid4())
        await enqueue(session, "roll.import", {"import": str(filling.id)})

    await db.write(work)
    written, killed = 0, []
    until = time.monotonic() + WAIT_SECONDS
    for _ in range(KILLS):
        worker = start_worker(addresses, tmp_path)
        while (seen := await state(db, roll_id))[0].written == written:
            assert time.monotonic() < until
            await anyio.sleep(0.01)
        worker.kill()
        killed.append(worker.wait())
        filling, there = await state(db, roll_id)
        assert there == (PEOPLE if filling.stage is Stage.DONE else 0), (seen, filling)
        written = filling.written
        if filling.stage is Stage.DONE:
            break
    assert killed[0] == -signal.SIGKILL
    assert len(killed) == KILLS
    worker = start_worker(addresses, tmp_path)
    try:
        while (await state(db, roll_id))[0].stage is Stage.WRITING:
            assert time.monotonic() < until
            await anyio.sleep(0.05)
    finally:
        worker.kill()
        worker.wait()
    filling, there = await state(db, roll_id)
    assert (filling.stage, filling.written, there) == (Stage.DONE, PEOPLE, PEOPLE)
    async with db.reading() as session:
        assert hash_of_lines(await find_on_roll(session, roll_id)) == filling.hash == plan.hash
