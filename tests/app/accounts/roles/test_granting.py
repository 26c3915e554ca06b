"""Roles are given and ended by two people who are not the one concerned; the public log tells no name."""

import asyncio
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.roles.granting import END, GRANT, Wish, ask_for, check_agreeing, settle, wish_of
from app.accounts.roles.store import find_people, find_roles
from app.accounts.store import find_events
from app.accounts.tables import Event
from app.security import Role, Roles
from commons.approvals.store import find_waiting
from commons.approvals.tables import Approval, Decision
from commons.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from commons.organisations.store import set_single_handed
from tests.plumbing.house import Town
from tests.plumbing.queries import counted_queries

pytestmark = pytest.mark.anyio


def wish(town: Town, person: str, role: Role = Role.MANAGER, action: str = GRANT, unit: str = "") -> Wish:
    return Wish(action, town.people[person], role, unit)


async def ask(town: Town, what: Wish, who: str = "admin") -> UUID:
    await town.house.db.write(lambda session: ask_for(session, what, "She runs votes now.", town.people[who], "test"))
    async with town.house.db.reading() as session:
        return (await find_waiting(session, [GRANT, END], what.subject))[0].id


async def agree(town: Town, approval: UUID, who: str, decision: Decision = Decision.APPROVED) -> Wish:
    return await town.house.db.write(lambda session: settle(session, approval, town.people[who], decision, "test"))


async def roles_of(town: Town, person: str) -> Roles:
    async with town.house.db.reading() as session:
        return await find_roles(session, town.people[person])


async def told(town: Town) -> list[tuple[Event, UUID | None, UUID | None, str]]:
    async with town.house.db.reading() as session:
        events, _, _ = await find_events(session)
    return [(each.event, each.who, each.whom, each.about) for each in reversed(events)]


async def lines(town: Town) -> list[str]:
    return (await town.rows())["commons_ledger_pending"]


async def test_an_administrator_asks_another_agrees_and_it_is_told(town: Town) -> None:
    browser = await town.signed_in("citizen")
    approval = await ask(town, wish(town, "citizen"))
    assert await roles_of(town, "citizen") == {Role.CITIZEN}
    await agree(town, approval, "second admin")
    assert await roles_of(town, "citizen") == {Role.CITIZEN, Role.MANAGER}
    asker, second, person = (town.people[name] for name in ("admin", "second admin", "citizen"))
    expected = [(Event.ROLE_ASKED, asker, person, "manager"), (Event.ROLE_GRANTED, second, person, "manager")]
    assert await told(town) == expected
    (line,) = await lines(town)
    for part in ("'role.granted'", "'roles/manager'", "'asked_by': 'admin'", "'agreed_by': 'admin'"):
        assert part in line
    assert not any(word in line for word in ("Nino", "nino", str(person), str(asker), "She runs votes"))
    assert (await browser.get("/en/me")).status_code == 303  # signed out, and then with the new role


async def test_a_role_ends_the_same_way_and_the_row_stays(town: Town) -> None:
    await agree(town, await ask(town, wish(town, "second manager", action=END)), "second admin")
    assert await roles_of(town, "second manager") == {Role.CITIZEN}
    assert sum("'manager'" in row for row in (await town.rows())["app_grant"]) == 2
    assert "'role.ended'" in (await lines(town))[0]
    await agree(town, await ask(town, wish(town, "second manager")), "second admin")  # and may be given again
    assert Role.MANAGER in await roles_of(town, "second manager")


async def test_a_refusal_changes_nothing_and_is_noted(town: Town) -> None:
    await agree(town, await ask(town, wish(town, "citizen")), "second admin", Decision.REFUSED)
    assert await roles_of(town, "citizen") == {Role.CITIZEN}
    assert [event for event, *_ in await told(town)] == [Event.ROLE_ASKED, Event.ROLE_REFUSED]
    assert await lines(town) == []


async def test_asker_person_concerned_and_second_are_three_people(town: Town) -> None:
    approval = await ask(town, wish(town, "manager", Role.AUDITOR))
    before = await town.rows()
    refused = {"admin": "approval.same_person", "manager": "role.own"}
    refused |= {"second manager": "role.admin_decides", "citizen": "role.admin_decides"}  # there is a second admin
    for who, code in refused.items():
        with pytest.raises(Forbidden, match=code):
            await agree(town, approval, who)
    with pytest.raises(Forbidden, match=r"role\.own"):
        await ask(town, wish(town, "admin"))
    with pytest.raises(Forbidden, match=r"role\.own"):
        await ask(town, wish(town, "admin", Role.ADMIN, END))
    assert await town.rows() == before


async def test_where_no_second_administrator_is_left_a_manager_agrees(town: Town) -> None:
    # the second administrator is the person concerned
    await agree(town, await ask(town, wish(town, "second admin", Role.ADMIN, END)), "manager")
    assert "'agreed_by': 'manager'" in (await lines(town))[0]
    await agree(town, await ask(town, wish(town, "citizen")), "manager")
    assert Role.MANAGER in await roles_of(town, "citizen")


ANYONE = st.sampled_from([uuid4() for _ in range(4)])


@given(ANYONE, ANYONE, ANYONE, st.frozensets(st.sampled_from(Role)), st.frozensets(ANYONE))
def test_whoever_agrees_is_neither_of_the_others_and_holds_a_role_that_can(
    asker: UUID, person: UUID, second: UUID, roles: Roles, admins: frozenset[UUID]
) -> None:
    try:
        check_agreeing(Wish(GRANT, person, Role.OFFICER, ""), asker, second, roles, set(admins))
    except Forbidden:
        return
    assert second not in {asker, person}
    assert Role.ADMIN in roles or (Role.MANAGER in roles and admins <= {asker, person})


@given(st.sampled_from([GRANT, END]), st.uuids(), st.sampled_from(Role), st.text())
def test_a_wish_is_read_back_from_its_request(action: str, person: UUID, role: Role, unit: str) -> None:
    what = Wish(action, person, role, unit)
    assert wish_of(Approval(action=action, subject=what.subject)) == what


async def test_what_cannot_be_asked(town: Town) -> None:
    wrong: list[tuple[type[DomainError], str, Wish]] = [
        (Conflict, "role.held", wish(town, "manager")),
        (Conflict, "role.not_held", wish(town, "citizen", action=END)),
        (Conflict, "role.not_held", wish(town, "manager", action=END, unit="Registry")),
        (Invalid, "role.missing", wish(town, "citizen", Role.CITIZEN)),
        (Invalid, "text.too_long", wish(town, "citizen", unit="x" * 61)),
        (NotFound, "account.unknown", Wish(GRANT, uuid4(), Role.MANAGER, "")),
    ]
    before = await town.rows()
    for kind, code, what in wrong:
        with pytest.raises(kind, match=code):
            await ask(town, what)
    with pytest.raises(Invalid, match=r"role\.reason_missing"):
        await town.house.db.write(
            lambda session: ask_for(session, wish(town, "citizen"), "  ", town.people["admin"], "test")
        )
    assert await town.rows() == before
    approval = await ask(town, wish(town, "citizen"))
    with pytest.raises(Conflict, match=r"approval\.waiting"):
        await ask(town, wish(town, "citizen"), "second admin")
    await agree(town, approval, "second admin")
    with pytest.raises(Conflict, match=r"approval\.decided"):
        await agree(town, approval, "second admin")


async def test_two_administrators_who_end_each_other_at_once_leave_one(town: Town) -> None:
    first = await ask(town, wish(town, "admin", Role.ADMIN, END), "second admin")
    second = await ask(town, wish(town, "second admin", Role.ADMIN, END), "admin")

    async def one(approval: UUID) -> str:
        try:
            await agree(town, approval, "manager")
        except DomainError as refused:
            return refused.code
        return "done"

    assert sorted(await asyncio.gather(one(first), one(second))) == ["done", "role.last_admin"]


async def test_a_single_handed_body_does_it_at_once_and_says_so(town: Town) -> None:
    assert await town.house.db.write(lambda session: set_single_handed(session, is_on=True))
    assert not await town.house.db.write(lambda session: set_single_handed(session, is_on=True))
    admin = town.people["admin"]
    assert await town.house.db.write(
        lambda session: ask_for(session, wish(town, "admin"), "One officer.", admin, "test")
    )
    assert await roles_of(town, "admin") == {Role.CITIZEN, Role.ADMIN, Role.MANAGER}
    assert [(event, who) for event, who, *_ in await told(town)] == [
        (Event.ROLE_ASKED, admin), (Event.ROLE_GRANTED, admin),
    ]  # fmt: skip
    said = " ".join(await lines(town))
    assert "'organisation.single_handed'" in said
    assert "'agreed_by': 'nobody'" in said


async def test_the_last_administrator_stays_even_single_handed(one_town: Town) -> None:
    await one_town.house.db.write(lambda session: set_single_handed(session, is_on=True))

    async def end(person: str) -> None:
        what = wish(one_town, person, Role.ADMIN, END)
        await one_town.house.db.write(lambda session: ask_for(session, what, "Left.", one_town.people["admin"], "test"))

    await end("second admin")
    with pytest.raises(Conflict, match=r"role\.last_admin"):
        await end("admin")


async def test_people_are_found_by_words_in_name_or_address(town: Town) -> None:
    async with town.house.db.reading() as session:
        with counted_queries() as asked:
            officials = await find_people(session)
        assert len(asked) <= 4
        names = [account.name for account, _ in officials.people]
        assert names == ["Giorgi Kapanadze", "Maia Lomidze", "Salome Abashidze", "Tamar Gelashvili"]
        assert [account.name for account, _ in (await find_people(session, "berid luka")).people] == ["Luka Beridze"]
        assert [account.name for account, _ in (await find_people(session, "NINO@vardisi")).people] == ["Nino Beridze"]
        assert (await find_people(session, "%")).total == 0
