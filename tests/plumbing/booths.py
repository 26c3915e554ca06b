"""A vote with a roll and codes in a house of its own, and ballots for it, filled in as a browser sends them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.roll.codes import shown
from app.accounts.roll.freezing import lines_at_opening
from app.accounts.roll.importing import Entry
from app.accounts.roll.store import add_lines, add_roll, issue_codes
from app.db import Database
from ballots.answers import order_of
from ballots.keys import prove
from ballots.preparing import accept_proof, start
from ballots.receipts import form_hash_of
from commons.organisations.store import find_host, found
from tests.ballots.voting import NAMES, Vote, locked_vote
from tests.plumbing.clients import Answer, Client
from tests.plumbing.server import SECRET

NONE_BEFORE = "0" * 64


async def prepare_vote(
    db: Database, folder: Path, voters: int, names: Sequence[str] = NAMES, **changed: object
) -> tuple[Vote, list[str]]:
    """Prepare a vote for a roll of so many people, ready to be opened. Returns it, and a code for each of them.

    folder:  where its keys and boxes lie, as `settings` names it. changed: as for `locked_vote`.
    """
    (folder / "keys").mkdir(mode=0o700, exist_ok=True)

    async def make_roll(session: AsyncSession) -> tuple[object, list[str]]:
        host = await find_host(session) or await found(session, {"en": "Hall"}, {}, "UTC")
        roll = await add_roll(session, host.id, {"en": "Residents"})
        await add_lines(session, roll.id, [Entry(f"V-{number:06}", "Somebody") for number in range(voters)])
        codes: list[str] = []
        while issued := await issue_codes(session, roll.id):
            codes += [code for _, code in issued]
        return roll.id, codes

    roll_id, codes = await db.write(make_roll)
    vote = await locked_vote(db, folder, names, roll_id=roll_id, **changed)
    for custodian, seed in vote.seeds.items():
        proof = prove(seed, vote.poll.id, vote.keys.copies(vote.poll.id, custodian))
        await db.write(lambda s, c=custodian, p=proof: accept_proof(s, vote.keys, vote.poll.id, c, p))  # type: ignore[misc]
    return vote, codes


async def hold_vote(
    db: Database, folder: Path, voters: int, names: Sequence[str] = NAMES, **changed: object
) -> tuple[Vote, list[str]]:
    """Do as `prepare_vote`, and open it."""
    vote, codes = await prepare_vote(db, folder, voters, names, **changed)

    async def begin(session: AsyncSession) -> None:
        vote.poll = await start(session, vote.keys, vote.poll.id, await lines_at_opening(session, vote.poll))

    await db.write(begin)
    return vote, codes


def settings(url: str, owner_url: str, folder: Path) -> dict[str, str]:
    """Say to `khma serve` where a vote of `hold_vote` lies."""
    owner = "" if url.startswith("sqlite") else owner_url
    places = {"KHMA_DATA": str(folder), "KHMA_KEYS": str(folder / "keys"), "KHMA_SECRET": SECRET}
    return {"KHMA_DATABASE_URL": url, "KHMA_OWNER_DATABASE_URL": owner} | places


@dataclass
class Form:
    """One ballot, filled in.

    ranking: numbers of options, best first. after: hash of the form before it. code: nothing where a pass is held.
    """

    vote: Vote
    ranking: Sequence[int]
    code: str = ""
    after: bytes | None = None
    key: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    @property
    def hash(self) -> bytes:
        """What the next form must know as `after`."""
        return form_hash_of(self.vote.poll.id, self.key)

    def fields(self, token: str) -> dict[str, str]:
        """Write it as a browser sends it."""
        order = order_of(self.vote.poll.option_ids, self.key)
        ranks = [self.ranking.index(option) + 1 if option in self.ranking else 0 for option in order]
        filled = {f"position_{number}": f"{rank:02}" for number, rank in enumerate(ranks, start=1)}
        after = NONE_BEFORE if self.after is None else self.after.hex()
        code = {"code": shown(self.code)} if self.code else {}
        return {"_token": token, "form": self.key.hex(), "after": after} | filled | code

    async def cast(self, client: Client) -> Answer:
        """Cast it by a browser that opened the page with the form."""
        return await client.post(f"/en/votes/{self.vote.poll.slug}", self.fields(client.token))
