"""A custodian at work: a key of their own, copies that open or do not, and a signature when nothing is left."""

import asyncio
import stat
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db import Database
from ballots.keys import Keys
from ballots.store import find_custody
from commons.organisations.store import get_host
from polls.drafting import draft
from polls.lifecycle import State
from polls.store import get_poll
from tests.app.cli.program import Done, khma, settings_for
from tests.ballots.voting import plan
from tests.conftest import Addresses
from tests.plumbing.locking import lock_by_two


@dataclass
class Office:
    """An installation with a founded organisation and two custodians, each with a folder."""

    addresses: Addresses
    folder: Path

    @property
    def settings(self) -> dict[str, str]:
        return settings_for(self.addresses, self.folder / "data")

    @property
    def keys(self) -> Keys:
        return Keys(self.folder / "data" / "keys")

    def khma(self, *words: str) -> Done:
        return khma(self.settings, *words)

    def custodian(self, name: str) -> str:
        return str(self.folder / name)

    def write(self, work: object) -> object:
        async def run() -> object:
            db = Database(self.addresses.url)
            try:
                return await db.write(work)  # type: ignore[arg-type]
            finally:
                await db.close()

        return asyncio.run(run())

    def vote(self, title: str) -> UUID:
        """Lock a vote."""

        async def work(session: AsyncSession) -> UUID:
            poll = await draft(session, (await get_host(session)).id, plan(titles={"en": title}))
            opener = self.keys.make_opener(poll.id)
            return (await lock_by_two(session, self.keys, poll.id, opener)).id

        made = self.write(work)
        assert isinstance(made, UUID)
        return made

    def set(self, poll_id: UUID, state: State) -> None:
        async def work(session: AsyncSession) -> None:
            poll = await get_poll(session, poll_id)
            poll.state = state
            session.add(poll)

        self.write(work)

    def custody(self, poll_id: UUID) -> list[tuple[bool, bool]]:
        """Tell of each custodian whether they proved and whether they confirmed."""

        async def work(session: AsyncSession) -> list[tuple[bool, bool]]:
            rows = await find_custody(session, poll_id)
            return sorted((each.proved_at is not None, each.destroyed_at is not None) for each, _ in rows)

        found = self.write(work)
        assert isinstance(found, list)
        return found


@pytest.fixture
def office(addresses: Addresses, tmp_path: Path) -> Office:
    made = Office(addresses, tmp_path)
    assert made.khma("admin", "found", "--name", "Hall").returncode == 0
    for name, function in (("archive", "City archive"), ("notary", "Notary")):
        said = made.khma("keys", "new", made.custodian(name), "--function-en", function, "--function-ka", "ფუნქცია")
        assert said.returncode == 0, said.stderr
    return made


def only_line(said: Done, code: int) -> str:
    """Give the one line in which a command says what is wrong."""
    assert (said.returncode, said.stdout, said.stderr.count("\n")) == (code, "", 1), said
    return said.stderr


def test_a_custodian_s_key_is_theirs_alone_and_made_once(office: Office) -> None:
    seed = Path(office.custodian("archive")) / "custodian.key"
    before = seed.read_bytes()
    assert (stat.S_IMODE(seed.stat().st_mode), stat.S_IMODE(seed.parent.stat().st_mode)) == (0o400, 0o700)
    again = office.khma("keys", "new", office.custodian("archive"), "--function-en", "Archive")
    assert "registered already" in only_line(again, 2)
    assert seed.read_bytes() == before
    inside = office.khma("keys", "new", str(office.folder / "data" / "keys" / "me"), "--function-en", "Archive")
    assert "in the key folder" in only_line(inside, 2)
    assert not (office.folder / "data" / "keys" / "me").exists()
    nameless = office.khma("keys", "new", office.custodian("third"), "--function-en", " ")
    assert "no person's name" in only_line(nameless, 2)
    assert not Path(office.custodian("third")).exists()


def test_a_key_that_was_not_registered_yet_is_registered_not_replaced(office: Office) -> None:
    folder = Path(office.custodian("third"))
    folder.mkdir()
    (folder / "custodian.key").write_bytes(b"s" * 32)
    assert "belongs to no custodian" in only_line(office.khma("keys", "check", str(folder)), 2)
    assert office.khma("keys", "new", str(folder), "--function-en", "Third").returncode == 0
    assert (folder / "custodian.key").read_bytes() == b"s" * 32
    assert office.khma("keys", "check", str(folder)).stdout == "No vote waits for this.\n"


def test_both_custodians_show_that_their_copies_open(office: Office) -> None:
    first, second = office.vote("Buses or parks"), office.vote("Lifts or stairs")
    said = office.khma("keys", "check", office.custodian("archive"))
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == (
        "ok      buses-or-parks: both sealed copies open\nok      lifts-or-stairs: both sealed copies open\n"
    )
    assert office.custody(first) == office.custody(second) == [(False, False), (True, False)]
    said = office.khma("keys", "check", office.custodian("notary"), "--vote", "lifts-or-stairs")
    assert said.stdout == "ok      lifts-or-stairs: both sealed copies open\n"
    assert office.custody(first) == [(False, False), (True, False)]
    assert office.custody(second) == [(True, False), (True, False)]


def test_a_copy_that_does_not_open_is_named_and_the_others_are_tried(office: Office) -> None:
    first, second = office.vote("Buses or parks"), office.vote("Lifts or stairs")
    (damaged, *_) = sorted((office.folder / "data" / "keys" / "custody" / str(first)).glob("*.roll"))
    for path in (office.folder / "data" / "keys" / "custody" / str(first)).glob("*.roll"):
        path.chmod(0o600)
        path.write_bytes(damaged.read_bytes()[:-1] + b"?")
    said = office.khma("keys", "check", office.custodian("archive"))
    assert said.returncode == 1
    assert said.stdout == (
        "FAILED  buses-or-parks: This copy does not open with this key.\n"
        "ok      lifts-or-stairs: both sealed copies open\n"
    )
    assert (office.custody(first), office.custody(second)) == (
        [(False, False), (False, False)], [(False, False), (True, False)],
    )  # fmt: skip
    for path in (office.folder / "data" / "keys" / "custody" / str(second)).glob("*.box"):
        path.unlink()
    said = office.khma("keys", "check", office.custodian("notary"), "--vote", "lifts-or-stairs")
    assert (said.returncode, "no sealed copy" in said.stdout) == (1, True)


def test_a_custodian_signs_after_closing_and_not_while_something_is_left(office: Office) -> None:
    poll_id = office.vote("Buses or parks")
    archive = office.custodian("archive")
    assert office.khma("keys", "destroyed", archive).stdout == "No vote waits for this.\n"
    early = office.khma("keys", "destroyed", archive, "--vote", "buses-or-parks")
    assert (early.returncode, "after the vote has closed, not before" in early.stdout) == (1, True)
    office.set(poll_id, State.CLOSED)
    left = office.khma("keys", "destroyed", archive)
    assert (left.returncode, "still there" in left.stdout) == (1, True)
    assert office.custody(poll_id) == [(False, False), (False, False)]
    office.keys.destroy_box(poll_id)
    said = office.khma("keys", "destroyed", archive)
    assert (said.returncode, said.stdout) == (
        0, "ok      buses-or-parks: signed: no copy of the box key is left with you\n",
    )  # fmt: skip
    assert office.custody(poll_id) == [(False, False), (False, True)]
    assert office.khma("keys", "destroyed", archive).stdout == "No vote waits for this.\n"

    async def lines(session: AsyncSession) -> list[tuple[object, ...]]:
        connection = await session.connection()
        query = "SELECT words FROM commons_ledger_pending WHERE kind = 'box.key_destroyed'"
        return [tuple(row) for row in await connection.exec_driver_sql(query)]

    said_in_ledger = office.write(lines)
    assert isinstance(said_in_ledger, list)
    assert len(said_in_ledger) == 1
    assert "custodian" in str(said_in_ledger[0])


def test_what_is_not_there_is_said_in_one_line(office: Office) -> None:
    archive = office.custodian("archive")
    assert "no custodian.key in this folder" in only_line(office.khma("keys", "check", office.custodian("none")), 2)
    assert "no such custodian" in only_line(office.khma("keys", "check", archive, "--vote", "none"), 2)
    broken = Path(office.custodian("broken"))
    broken.mkdir()
    (broken / "custodian.key").write_bytes(b"short")
    assert "no key of a custodian" in only_line(office.khma("keys", "check", str(broken)), 2)
    assert only_line(office.khma("keys", "check", f"{archive}/custodian.key"), 2)
    assert office.khma("keys").returncode == office.khma("keys", "lose", archive).returncode == 2


def test_where_nobody_was_founded_no_file_is_left(sqlite_addresses: Addresses, tmp_path: Path) -> None:
    office = Office(sqlite_addresses, tmp_path)
    said = office.khma("keys", "new", office.custodian("archive"), "--function-en", "Archive")
    assert "Nobody has set up this place yet" in only_line(said, 2)
    assert not Path(office.custodian("archive")).exists()
