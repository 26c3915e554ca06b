"""The booth: a ballot on one screen, and the receipt. Templates: templates/votes/.

A choice comes in once, in the cast, and stands in no address, log or answer. A code never stands in an address either:
slips carry it behind the `#`, which no browser sends.
"""

import secrets
from dataclasses import dataclass
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlalchemy import Connection

from app.accounts.booth import VALID_FOR
from app.accounts.limits import TooMany
from app.accounts.roll.newcomers.joining import join
from app.accounts.roll.store import get_asked_poll
from app.accounts.roll.voters import Voter
from app.accounts.store import find_accounts
from app.accounts.tables import Account
from app.house import House
from app.qr import draw
from app.web.admission import (
    admit,
    admitted,
    asked_fact,
    at_the_booth,
    counting_wrong_codes,
    own_line,
    pass_of,
    said_of,
    tag_of,
    with_pass,
)
from app.web.respond import AnyRequest, language_of, onward, page, screen_of
from app.web.session import Visitor, house_of, keep_cookie, visitor_of
from ballots.answers import order_of
from ballots.casting import Cast, Happened, find_receipt, last_form, record
from ballots.keys import Keys
from ballots.receipts import read_receipt
from ballots.standing import Standing, look_at
from ballots.store import find_in_list
from commons.errors import Conflict, DomainError, Forbidden, Invalid
from commons.tables import Texts
from polls.kinds import Kind, Paper
from polls.lifecycle import State, check_accepting
from polls.store import Held, get_public_poll
from polls.tables import Poll

FORM_KEY_BYTES = 16
NONE_BEFORE = "0" * 64
"""What a form says as `after` where its voter has no ballot in the box; as long as a hash."""
NEEDS_FRESH = {"ballot.form_broken", "ballot.meanwhile"}
"""Errors after which the form that came cannot be sent again."""
KEPT_KEYS = {State.LOCKED, State.OPEN, State.SUSPENDED, State.CLOSING, State.HALTED}
"""While a vote is in one of these, the server can make a receipt again."""


@dataclass(frozen=True)
class Sheet:
    """One ballot form: its key, the form it follows, and the number at each position (0 = left out)."""

    key: bytes
    after: bytes | None
    numbers: tuple[int, ...]

    @property
    def after_text(self) -> str:
        """Write what it follows, in one length."""
        return NONE_BEFORE if self.after is None else self.after.hex()


class Booth(Controller):
    """The ballot."""

    path = "/{lang:str}/votes/{slug:str}"

    @get(name="votes.show")
    async def show(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Show a vote: its ballot while it is open, else how it stands."""
        house = house_of(request)
        async with house.db.reading() as session:
            poll, fact = await get_asked_poll(session, slug)
            voter = await admitted(request, session, poll)
            after = None
            if voter is not None and poll.state is State.OPEN:
                after = await last_form(session, poll.id, tag_of(house, poll, voter))
            standing = await look_at(session, poll)
            officials = await find_accounts(session, standing.people)
        return await _ballot(request, standing, officials, _fresh(poll, after), voter, fact)

    @post("/own", name="votes.own")
    async def own(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Give somebody signed in, whose own line is on the roll, the pass that a code would give.

        In a vote open to all, make their line.
        """
        async with house_of(request).db.reading() as session:
            poll, fact = await get_asked_poll(session, slug)
        if poll.open_to_all:
            return await _joined(request, poll)
        async with house_of(request).db.reading() as session:
            voter = await own_line(request, session, poll)
            standing = await look_at(session, poll)
            officials = await find_accounts(session, standing.people)
        if voter is None:
            refused = Forbidden("voter.not_on_roll")
            return await _ballot(request, standing, officials, _fresh(poll, None), None, fact, refused)
        return await with_pass(request, onward(request, "votes.show", slug=slug), poll, voter)

    @post(name="votes.cast")
    async def cast(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Record a ballot, in one transaction; the receipt is the confirmation.

        Whatever goes wrong comes back with what was chosen.
        """
        house = house_of(request)
        voter: Voter | None = None

        def work(connection: Connection) -> tuple[Cast, str]:
            nonlocal voter  # found anew by every attempt; nobody for a form that is not whole
            poll, found = at_the_booth(connection, request, slug)
            sheet, voter = _sheet(request, poll), found
            return _cast(connection, house, poll, sheet, found), pass_of(house, poll, found, poll.moment)

        try:
            with counting_wrong_codes(request):
                done, booth_pass = await house.db.write_rows(work)
        except (DomainError, TooMany) as error:
            async with house.db.reading() as session:
                poll = await get_public_poll(session, slug)
            return await _ballot_again(request, poll, _sheet_again(request, poll), voter, error)
        answer = onward(request, "votes.receipt", done=done.happened.value, slug=slug)
        keep_cookie(request, house.config.booth_cookie_name, booth_pass, VALID_FOR)
        return answer

    @post("/done", name="votes.done")
    async def done(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Forget the pass on this device."""
        answer = onward(request, "votes.show", done="left-booth", slug=slug)
        keep_cookie(request, house_of(request).config.booth_cookie_name, "", VALID_FOR)
        return answer


class Receipts(Controller):
    """The receipt, shown again and checked."""

    path = "/{lang:str}/votes/{slug:str}/receipt"

    @get(name="votes.receipt")
    async def show(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Show the receipt of whoever holds a booth pass; to others, the ways to get or check one."""
        return await _receipt(request, slug)

    @post(name="votes.enter")
    async def enter(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Take a code, and give the pass that leads to its receipt."""
        try:
            poll, voter = await admit(request, slug)
        except (DomainError, TooMany) as error:
            return await _receipt(request, slug, error)
        return await with_pass(request, onward(request, "votes.receipt", slug=slug), poll, voter)

    @post("/check", name="votes.check")
    async def check(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Look a receipt up in the list of the box."""
        try:
            async with house_of(request).db.reading() as session:
                poll = await get_public_poll(session, slug)
                commitment = read_receipt(visitor_of(request).text("receipt"), poll.id, poll.receipt_key)
                place = await find_in_list(session, poll.id, "box", commitment)
        except DomainError as error:
            return await _receipt(request, slug, error)
        return await _receipt(request, slug, place=place)


async def _joined(request: AnyRequest, poll: Poll) -> Response[str]:
    """Let somebody signed in take part in a vote open to all, and lead them to the ballot."""
    house, account_id = house_of(request), visitor_of(request).known_id
    keys = Keys(house.config.keys)
    try:
        await house.db.write(lambda session: join(session, keys, poll.id, account_id))
    except (Forbidden, Conflict) as error:
        return await _ballot_again(request, poll, _fresh(poll, None), None, error)
    return onward(request, "votes.show", slug=poll.slug)


def _fresh(poll: Poll, after: bytes | None) -> Sheet:
    return Sheet(secrets.token_bytes(FORM_KEY_BYTES), after, (0,) * len(poll.options))


def _sheet(request: AnyRequest, poll: Poll | Held) -> Sheet:
    """Read the form. Raises Invalid "ballot.form_broken" where its parts are not as we wrote them."""
    visitor = visitor_of(request)
    after = visitor.text("after")
    try:
        key = bytes.fromhex(visitor.text("form"))
        follows = None if after == NONE_BEFORE else bytes.fromhex(after)
        if len(key) != FORM_KEY_BYTES or len(after) != len(NONE_BEFORE):
            raise ValueError
        numbers = _numbers(visitor, poll.paper)
    except ValueError:
        raise Invalid("ballot.form_broken") from None
    return Sheet(key, follows, numbers)


def _sheet_again(request: AnyRequest, poll: Poll) -> Sheet:
    try:
        return _sheet(request, poll)
    except Invalid:
        return _fresh(poll, None)


def _numbers(visitor: Visitor, paper: Paper) -> tuple[int, ...]:
    """Read the number at each position. Raises ValueError; Invalid "ballot.one_only" where nothing was chosen."""
    positions = range(1, len(paper.options) + 1)
    if paper.kind is not Kind.SINGLE:
        return tuple(_digits(visitor.text(f"position_{position}"), 2) for position in positions)
    if not (said := visitor.text("choice")):
        raise Invalid("ballot.one_only", field="choice")
    if (chosen := _digits(said, 3)) > len(paper.options):
        raise ValueError
    return tuple(int(position == chosen) for position in positions)


def _digits(text: str, length: int) -> int:
    if not (len(text) == length and text.isascii() and text.isdigit()):
        raise ValueError
    return int(text)


def _cast(connection: Connection, house: House, poll: Held, sheet: Sheet, voter: Voter) -> Cast:
    """Record it. Where the vote's keys are gone, its state says what that means to a voter."""
    try:
        tag = tag_of(house, poll, voter)
    except Conflict:
        check_accepting(poll.state, poll.closes_at, poll.moment)
        raise
    keys = Keys(house.config.keys)
    facts = voter.facts(poll.eligibility)
    return record(connection, keys, poll, sheet.numbers, facts, tag, sheet.key, sheet.after, voter.channel)


async def _ballot_again(
    request: AnyRequest, poll: Poll, sheet: Sheet, voter: Voter | None, error: DomainError | TooMany
) -> Response[str]:
    """Show the ballot with what went wrong; what was chosen stays, unless another ballot was recorded meanwhile.

    Where the vote takes no ballots there is nothing to mend, and that is what is said.
    """
    house = house_of(request)
    async with house.db.reading() as session:
        poll, fact = await get_asked_poll(session, poll.slug)  # as it stands now
        standing = await look_at(session, poll)
        officials = await find_accounts(session, standing.people)
        try:
            check_accepting(poll.state, poll.closes_at, standing.moment)
        except Conflict as refused:
            error = error if isinstance(error, Conflict) else refused
        if isinstance(error, DomainError) and error.code in NEEDS_FRESH and poll.state is State.OPEN:
            voter = voter or await admitted(request, session, poll)
            after = None if voter is None else await last_form(session, poll.id, tag_of(house, poll, voter))
            sheet = _fresh(poll, after)
            if after is None and isinstance(error, Conflict):  # the form followed somebody else's ballot
                error = Invalid("ballot.form_broken")
    if isinstance(error, Forbidden) and error.code.startswith("voter."):
        asks_code = not poll.open_to_all and screen_of(request) is None
        error.field, voter = "code" if asks_code else "", None
    answer = await _ballot(request, standing, officials, sheet, voter, fact, error)
    return answer if voter is None else await with_pass(request, answer, poll, voter)


async def _ballot(
    request: AnyRequest,
    standing: Standing,
    officials: dict[UUID, Account],
    sheet: Sheet,
    voter: Voter | None,
    names_of_fact: Texts,
    error: DomainError | TooMany | None = None,
) -> Response[str]:
    poll = standing.poll
    options = {option["id"]: option for option in poll.options}
    own: Voter | None = None
    if voter is None and poll.state is State.OPEN and visitor_of(request).signed_in and not poll.open_to_all:
        async with house_of(request).db.reading() as session:
            own = await own_line(request, session, poll)
    fact = asked_fact(request, names_of_fact, error) if voter is None else {}
    order = order_of(poll.option_ids, sheet.key)
    said, status, headers = said_of(error, fact)
    answer = await page(
        request,
        "votes/show.html",
        status,
        poll=poll,
        standing=standing,
        officials=officials,
        sheet=sheet,
        positions=[(options[option], number) for option, number in zip(order, sheet.numbers, strict=True)],
        admitted=voter is not None,
        own=own is not None,
        fact=fact,
        code=visitor_of(request).text("code"),
        error=said,
    )
    answer.headers |= headers
    return answer


async def _receipt(
    request: AnyRequest, slug: str, error: DomainError | TooMany | None = None, place: int | None = None
) -> Response[str]:
    """Show the receipt page. place: line of a receipt in the list of the box, 0 = not in it, None = not asked."""
    house = house_of(request)
    receipt = None
    async with house.db.reading() as session:
        poll, fact = await get_asked_poll(session, slug)
        keys_kept = poll.state in KEPT_KEYS
        voter = await admitted(request, session, poll)
        if voter is not None and keys_kept:
            try:
                receipt = await find_receipt(session, Keys(house.config.keys), poll, tag_of(house, poll, voter))
            except Conflict as gone:
                if gone.code != "keys.gone":
                    raise
                keys_kept = False  # the vote is at the last steps of its closing
        standing = await look_at(session, poll)
        officials = await find_accounts(session, standing.people)
    address = request.app.route_reverse("votes.receipt", lang=language_of(request), slug=poll.slug)
    fact = asked_fact(request, fact, error)
    said, status, headers = said_of(error, fact)
    done = request.query_params.get("done")
    answer = await page(
        request,
        "votes/receipt.html",
        status,
        poll=poll,
        standing=standing,
        officials=officials,
        receipt=receipt,
        drawing=draw(f"{house.config.base_url}{address}#{receipt.commitment.hex()}") if receipt else None,
        admitted=voter is not None,
        keys_kept=keys_kept,
        fact=fact,
        happened=done if done in set(Happened) and receipt is not None else "",
        typed=visitor_of(request).text("receipt"),
        code=visitor_of(request).text("code"),
        place=place,
        error=said,
    )
    answer.headers |= headers
    return answer


ROUTES = [Booth, Receipts]
