"""The booth: a ballot on one screen, and the receipt. Templates: templates/votes/.

A choice comes in once, in the cast, and stands in no address, log or answer. A code never stands in an address either:
slips carry it behind the `#`, which no browser sends.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlalchemy import Connection
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.booth import VALID_FOR, open_pass, seal_pass
from app.accounts.limits import CODE_FROM_NETWORK, TooMany, network_of
from app.accounts.roll.codes import read_code
from app.accounts.roll.store import find_voter, find_voter_again, hold_for_code
from app.accounts.roll.voters import Voter
from app.house import House
from app.qr import draw
from app.web.respond import AnyRequest, language_of, onward, page
from app.web.session import house_of, keep_cookie, visitor_of
from ballots.answers import order_of
from ballots.casting import Cast, Happened, find_receipt, last_form, record
from ballots.keys import Keys
from ballots.receipts import read_receipt
from ballots.standing import Standing, look_at
from ballots.store import find_in_list
from commons.clock import now
from commons.errors import Conflict, DomainError, Forbidden, Invalid
from commons.rows import within
from polls.lifecycle import State, check_accepting
from polls.store import Held, get_public_poll, hold_for_cast
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
    """One ballot form: its key, the form it follows, and the rank of each position (0 = left out)."""

    key: bytes
    after: bytes | None
    ranks: tuple[int, ...]

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
            poll = await get_public_poll(session, slug)
            voter = await _admitted(request, session, poll)
            after = None
            if voter is not None and poll.state is State.OPEN:
                after = await last_form(session, poll.id, _tag(house, poll, voter))
            standing = await look_at(session, poll)
        return await _ballot(request, standing, _fresh(poll, after), voter)

    @post(name="votes.cast")
    async def cast(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Record a ballot, in one transaction; the receipt is the confirmation.

        Whatever goes wrong comes back with what was chosen.
        """
        house = house_of(request)
        voter: Voter | None = None

        def work(connection: Connection) -> tuple[Cast, str]:
            nonlocal voter  # found anew by every attempt; nobody for a form that is not whole
            poll, found = _at_the_booth(connection, request, slug)
            sheet, voter = _sheet(request, poll), found
            return _cast(connection, house, poll, sheet, found), _pass(house, poll, found, poll.moment)

        try:
            with _counting_wrong_codes(request):
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
            async with house_of(request).db.reading() as session:
                poll = await get_public_poll(session, slug)
                voter = await _voter(request, session, poll)
                _check_belongs(voter, poll)
        except (DomainError, TooMany) as error:
            return await _receipt(request, slug, error)
        return await _with_pass(request, onward(request, "votes.receipt", slug=slug), poll, voter)

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
        ranks = tuple(_rank(visitor.text(f"position_{number}")) for number in range(1, len(poll.options) + 1))
    except ValueError:
        raise Invalid("ballot.form_broken") from None
    return Sheet(key, follows, ranks)


def _sheet_again(request: AnyRequest, poll: Poll) -> Sheet:
    try:
        return _sheet(request, poll)
    except Invalid:
        return _fresh(poll, None)


def _rank(text: str) -> int:
    if not (len(text) == 2 and text.isascii() and text.isdigit()):
        raise ValueError
    return int(text)


def _at_the_booth(connection: Connection, request: AnyRequest, slug: str) -> tuple[Held, Voter]:
    """Hold the vote for a cast, and find who is at the ballot: by the code they typed, else by the pass they hold."""
    if typed := visitor_of(request).text("code").strip():
        return hold_for_code(connection, slug, read_code(typed))
    poll = hold_for_cast(connection, slug)
    if (voter := _holder(connection, request, poll, poll.moment)) is None:
        raise Invalid("code.missing", field="code")
    return poll, voter


async def _voter(request: AnyRequest, session: AsyncSession, poll: Poll) -> Voter:
    """Find who it is: by the code they typed, else by the pass they hold."""
    if typed := visitor_of(request).text("code").strip():
        with _counting_wrong_codes(request):
            return await find_voter(session, read_code(typed))
    if (voter := await _admitted(request, session, poll)) is None:
        raise Invalid("code.missing", field="code")
    return voter


@contextmanager
def _counting_wrong_codes(request: AnyRequest) -> Iterator[None]:
    """Only wrong codes are counted and slowed down; a right one is never refused for others that came before it."""
    try:
        yield
    except Forbidden as refused:
        if refused.code == "code.unknown":
            house = house_of(request)
            house.limits.try_one(CODE_FROM_NETWORK, network_of(request, house.config.trusted_proxy))
        raise


async def _admitted(request: AnyRequest, session: AsyncSession, poll: Poll) -> Voter | None:
    """Find whom this browser's pass lets in, within a session; nothing is asked for a browser without one."""
    if house_of(request).config.booth_cookie_name not in request.cookies:
        return None
    return await within(session, _holder, request, poll, await now(session))


def _holder(connection: Connection, request: AnyRequest, poll: Poll | Held, moment: datetime) -> Voter | None:
    """Find whom this browser's pass lets in; nobody where it is over, of another vote, or its code void."""
    config = house_of(request).config
    text = request.cookies.get(config.booth_cookie_name, "")
    if (held := open_pass(config.secret, poll.id, text, moment)) is None:
        return None
    voter = find_voter_again(connection, held.line_id, held.serial)
    return voter if voter is not None and not voter.is_void and voter.roll_id == poll.roll_id else None


def _check_belongs(voter: Voter, poll: Poll) -> None:
    if voter.roll_id != poll.roll_id:
        raise Forbidden("voter.not_on_roll", field="code")
    if voter.is_void:
        raise Forbidden("voter.void", field="code")


def _tag(house: House, poll: Poll | Held, voter: Voter) -> bytes:
    return Keys(house.config.keys).tag(poll.id, voter.line)


def _cast(connection: Connection, house: House, poll: Held, sheet: Sheet, voter: Voter) -> Cast:
    """Record it. Where the vote's keys are gone, its state says what that means to a voter."""
    try:
        tag = _tag(house, poll, voter)
    except Conflict:
        check_accepting(poll.state, poll.closes_at, poll.moment)
        raise
    keys = Keys(house.config.keys)
    return record(connection, keys, poll, sheet.ranks, voter.facts, tag, sheet.key, sheet.after)


async def _ballot_again(
    request: AnyRequest, poll: Poll, sheet: Sheet, voter: Voter | None, error: DomainError | TooMany
) -> Response[str]:
    """Show the ballot with what went wrong; what was chosen stays, unless another ballot was recorded meanwhile.

    Where the vote takes no ballots there is nothing to mend, and that is what is said.
    """
    house = house_of(request)
    async with house.db.reading() as session:
        poll = await get_public_poll(session, poll.slug)  # as it stands now
        standing = await look_at(session, poll)
        try:
            check_accepting(poll.state, poll.closes_at, standing.moment)
        except Conflict as refused:
            error = error if isinstance(error, Conflict) else refused
        if isinstance(error, DomainError) and error.code in NEEDS_FRESH and poll.state is State.OPEN:
            voter = voter or await _admitted(request, session, poll)
            after = None if voter is None else await last_form(session, poll.id, _tag(house, poll, voter))
            sheet = _fresh(poll, after)
            if after is None and isinstance(error, Conflict):  # the form followed somebody else's ballot
                error = Invalid("ballot.form_broken")
    if isinstance(error, Forbidden) and error.code.startswith("voter."):
        error.field, voter = "code", None
    answer = await _ballot(request, standing, sheet, voter, error)
    return answer if voter is None else await _with_pass(request, answer, poll, voter)


async def _ballot(
    request: AnyRequest,
    standing: Standing,
    sheet: Sheet,
    voter: Voter | None,
    error: DomainError | TooMany | None = None,
) -> Response[str]:
    poll = standing.poll
    names = {option["id"]: option["names"] for option in poll.options}
    order = order_of(poll.option_ids, sheet.key)
    said, status, headers = _said(error)
    answer = await page(
        request,
        "votes/show.html",
        status,
        poll=poll,
        standing=standing,
        sheet=sheet,
        positions=[(names[option], rank) for option, rank in zip(order, sheet.ranks, strict=True)],
        admitted=voter is not None,
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
        poll = await get_public_poll(session, slug)
        keys_kept = poll.state in KEPT_KEYS
        voter = await _admitted(request, session, poll)
        if voter is not None and keys_kept:
            try:
                receipt = await find_receipt(session, Keys(house.config.keys), poll, _tag(house, poll, voter))
            except Conflict as gone:
                if gone.code != "keys.gone":
                    raise
                keys_kept = False  # the vote is at the last steps of its closing
        standing = await look_at(session, poll)
    address = request.app.route_reverse("votes.receipt", lang=language_of(request), slug=poll.slug)
    said, status, headers = _said(error)
    done = request.query_params.get("done")
    answer = await page(
        request,
        "votes/receipt.html",
        status,
        poll=poll,
        standing=standing,
        receipt=receipt,
        drawing=draw(f"{house.config.base_url}{address}#{receipt.commitment.hex()}") if receipt else None,
        admitted=voter is not None,
        keys_kept=keys_kept,
        happened=done if done in set(Happened) and receipt is not None else "",
        typed=visitor_of(request).text("receipt"),
        code=visitor_of(request).text("code"),
        place=place,
        error=said,
    )
    answer.headers |= headers
    return answer


def _said(error: DomainError | TooMany | None) -> tuple[DomainError | None, int, dict[str, str]]:
    """Give what the page says of an error, its status, and headers. A page of the booth is never kept anywhere."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, TooMany):
        slowed = Forbidden("code.too_many", field="code", minutes=-(-error.seconds // 60))
        return slowed, 429, headers | {"Retry-After": str(error.seconds)}
    return error, error.status if error else 200, headers


async def _with_pass(request: AnyRequest, answer: Response[str], poll: Poll, voter: Voter) -> Response[str]:
    """Give the browser the pass of a voter whose code was right."""
    house = house_of(request)
    async with house.db.reading() as session:
        moment = await now(session)
    keep_cookie(request, house.config.booth_cookie_name, _pass(house, poll, voter, moment), VALID_FOR)
    return answer


def _pass(house: House, poll: Poll | Held, voter: Voter, moment: datetime) -> str:
    return seal_pass(house.config.secret, poll.id, voter, moment)


ROUTES = [Booth, Receipts]
