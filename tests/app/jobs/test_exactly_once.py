"""Two workers, one killed in the middle of a job, round after round: every job is done, and none twice.

`khma test --faults` goes fifty rounds.
"""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from sqlmodel import select

from app.db import Database
from app.jobs.store import count_jobs
from commons.ledger.tables import PendingLine
from tests.conftest import Addresses
from tests.faults.rounds import JOBS, name_of
from tests.plumbing.sizes import tries

ROOT = Path(__file__).resolve().parents[3]
ROUNDS = tries(15, 50)


@pytest.mark.anyio
async def test_who_is_killed_in_the_middle_of_a_job_has_done_nothing(
    db: Database, addresses: Addresses, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.faults.rounds", addresses.url, str(tmp_path), str(ROUNDS)]
    told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, timeout=300, check=True).stdout  # noqa: ASYNC221
    ends = [tuple(map(int, line.split())) for line in told.splitlines()]
    assert len(ends) == ROUNDS
    assert sum(killed == signal.SIGKILL for killed, _ in ends) >= ROUNDS * 2 // 3  # who was on its way may have arrived
    assert {other for _, other in ends} == {0}
    async with db.reading() as session:
        effects = Counter((await session.exec(select(PendingLine.subject))).all())
        assert await count_jobs(session) == {"done": ROUNDS * JOBS}
    assert effects == Counter(name_of(number, job) for number in range(ROUNDS) for job in range(JOBS))
