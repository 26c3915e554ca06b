"""Recovery codes at the door: those from before salts, what a try costs, and a storm."""

from collections.abc import Callable

import pytest
from sqlmodel import delete
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.recovery import draw_sheet, quick_hash, slow_hash
from app.accounts.factors.store import FIELD
from app.accounts.limits import FACTOR_OF_ACCOUNT
from app.accounts.tables import RecoveryCode
from tests.app.web.test_factors import CARRIED, CITIZEN, halfway, set_up
from tests.plumbing.house import PASSWORD, Town

pytestmark = pytest.mark.anyio


async def test_recovery_codes_from_before_salts_work_until_they_are_used(town: Town) -> None:
    browser, code = await town.signed_in("citizen"), "0123 4567 8901"
    await set_up(browser)
    account_id = town.people["citizen"]

    async def as_before(session: AsyncSession) -> None:
        await session.exec(delete(RecoveryCode))
        kept = quick_hash(town.config.secret, account_id, code.replace(" ", ""))
        session.add(RecoveryCode(account_id=account_id, code_hash=kept))

    await town.house.db.write(as_before)
    for status in (303, 422):
        other = await halfway(town, CITIZEN)
        assert (await other.send("/en/sign-in/code", {FIELD: code})).status_code == status


async def test_a_recovery_code_costs_one_slow_hash_and_a_sheet_is_drawn_for_nobody_else(
    one_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, run = [], one_town.house.passwords.run

    async def counted(work: Callable[..., object], *arguments: object) -> object:
        done.append(work)
        return await run(work, *arguments)

    browser = await one_town.signed_in("citizen")
    page = (await browser.get("/en/me/factor")).text
    monkeypatch.setattr(one_town.house.passwords, "run", counted)
    sealed = dict(CARRIED.findall(page))["sealed"]
    await browser.send("/en/me/factor", {"sealed": sealed, "current": PASSWORD, FIELD: "12345"})
    assert draw_sheet not in done
    _, codes = await set_up(browser)
    assert done.count(draw_sheet) == 1
    await browser.send("/en/me/factor/codes", {"current": PASSWORD, FIELD: "000 000"})
    assert done.count(draw_sheet) == 1
    for typed, hashes in ((codes[0], 1), ("000 000", 1), (codes[0], 2)):
        other = await halfway(one_town, CITIZEN)
        await other.send("/en/sign-in/code", {FIELD: typed})
        assert done.count(slow_hash) == hashes


async def test_who_shows_a_recovery_code_in_a_storm_is_told_to_come_back_and_not_counted(
    one_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await one_town.signed_in("citizen")
    _, codes = await set_up(browser)
    other = await halfway(one_town, CITIZEN)
    with monkeypatch.context() as storm:
        storm.setattr("app.accounts.passwords.WAITING_AT_MOST", 0)
        for _ in range(FACTOR_OF_ACCOUNT.free + 1):
            assert (await other.send("/en/sign-in/code", {FIELD: codes[0]})).status_code == 503
    assert (await other.send("/en/sign-in/code", {FIELD: codes[0]})).status_code == 303
