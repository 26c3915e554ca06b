"""What the pages of a vote share: who is at the ballot, by the code they typed or the pass that this browser holds.

A pass that somebody got by signing in holds as long as they stay signed in and the line stays theirs. In a vote open to
all no pass is needed: whoever asked to take part is at the ballot while they are signed in. At a counter's second
screen one holds as long as the session that an agent began there.

A code stands in no address, and a wrong one is all that is ever counted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from litestar import Response
from sqlalchemy import Connection
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.booth import VALID_FOR, open_pass, seal_pass
from app.accounts.guarding import FactsSlowed, count_fact, count_wrong_code, fact_was_right
from app.accounts.limits import TooMany, networks_of
from app.accounts.oidc.store import find_line_of, find_own_line, find_own_line_again
from app.accounts.roll.codes import read_code
from app.accounts.roll.second_fact import is_right_fact
from app.accounts.roll.store import find_voter, find_voter_again, hold_for_code
from app.accounts.roll.voters import AT_SCREEN, BY_SIGN_IN, Voter
from app.accounts.screens.store import find_voter_at_screen, look
from app.house import House
from app.web.respond import AnyRequest, screen_of
from app.web.session import house_of, keep_cookie, visitor_of
from ballots.keys import Keys
from commons.clock import now
from commons.errors import DomainError, Forbidden, Invalid
from commons.rows import within
from commons.tables import Texts
from polls.store import Held, get_public_poll, hold_for_cast
from polls.tables import Poll

AT_THE_DESK = "desk"
"""What the address on a slip of the desk says, so that its page asks for the code alone."""


async def admitted(request: AnyRequest, session: AsyncSession, poll: Poll) -> Voter | None:
    """Find whom this browser's pass lets in, within a session; nothing is asked for a browser without one."""
    if house_of(request).config.booth_cookie_name not in request.cookies and not poll.open_to_all:
        return None
    return await within(session, _present, request, poll, await now(session))


def at_the_booth(connection: Connection, request: AnyRequest, slug: str) -> tuple[Held, Voter]:
    """Hold the vote for a cast, and find who is at the ballot: by the code they typed, else by the pass they hold."""
    if typed := visitor_of(request).text("code").strip():
        code = _counted(request, read_code(typed))
        held, voter = hold_for_code(connection, slug, code)
        _check_fact(request, code, voter)
        return held, voter
    poll = hold_for_cast(connection, slug)
    if (present := _present(connection, request, poll, poll.moment)) is None:
        raise Forbidden("voter.not_joined") if poll.open_to_all else _nobody(request)
    return poll, present


async def who_is_there(request: AnyRequest, session: AsyncSession, poll: Poll) -> Voter:
    """Find who asks, and that they stand on this vote's roll: by a code that works, their pass, or their sign-in.

    Raises: Invalid "code.missing", "code.…"; Forbidden "code.unknown", "voter.not_on_roll", "voter.void", at a second
            screen "screen.over"; TooMany.
    """
    if typed := visitor_of(request).text("code").strip():
        with counting_wrong_codes(request):
            code = _counted(request, read_code(typed))
            voter = await find_voter(session, code)
            _check_fact(request, code, voter)
        if voter.roll_id != poll.roll_id:
            raise Forbidden("voter.not_on_roll", field="code")
        if voter.is_void:
            raise Forbidden("voter.void", field="code")
        return voter
    if (found := await admitted(request, session, poll) or await own_line(request, session, poll)) is None:
        raise _nobody(request)
    return found


async def own_line(request: AnyRequest, session: AsyncSession, poll: Poll) -> Voter | None:
    """Find whose line of this vote's roll belongs to somebody signed in; nobody's where it was struck off."""
    visitor = visitor_of(request)
    if visitor.account_id is None or poll.roll_id is None:
        return None
    voter = await find_own_line(session, poll.roll_id, visitor.account_id)
    return None if voter is None or voter.is_void else voter


async def admit(request: AnyRequest, slug: str) -> tuple[Poll, Voter]:
    """Find a vote, and who asks for what lies behind its code.

    Raises: NotFound "poll.unknown", and as `who_is_there`.
    """
    async with house_of(request).db.reading() as session:
        poll = await get_public_poll(session, slug)
        return poll, await who_is_there(request, session, poll)


@contextmanager
def counting_wrong_codes(request: AnyRequest) -> Iterator[None]:
    """Only wrong codes are counted and slowed down; a right one is never refused for others that came before it."""
    try:
        yield
    except Forbidden as refused:
        if refused.code == "code.unknown":
            house = house_of(request)
            count_wrong_code(house.limits, networks_of(request, house.config.trusted_proxy))
        raise


def _present(connection: Connection, request: AnyRequest, poll: Poll | Held, moment: datetime) -> Voter | None:
    """Find whom the pass lets in; in a vote open to all, else whoever is signed in and asked to take part."""
    voter, account_id = _holder(connection, request, poll, moment), visitor_of(request).account_id
    if voter is None and poll.open_to_all and poll.roll_id is not None and account_id is not None:
        voter = find_line_of(connection, poll.roll_id, account_id)
    return voter


def _holder(connection: Connection, request: AnyRequest, poll: Poll | Held, moment: datetime) -> Voter | None:
    """Find whom this browser's pass lets in; nobody where it is over, of another vote, or its code void."""
    config = house_of(request).config
    text, lasting = request.cookies.get(config.booth_cookie_name, ""), b""
    if text and (joined := screen_of(request)) is not None:
        seen = look(connection, config.secret, joined, moment)
        lasting = b"" if seen is None else seen.session
    if (held := open_pass(config.secret, poll.id, text, moment, lasting)) is None:
        return None
    if held.serial == AT_SCREEN:
        voter = find_voter_at_screen(connection, held.line_id, lasting)
    elif held.serial != BY_SIGN_IN:
        voter = find_voter_again(connection, held.line_id, held.serial)
    elif (account_id := visitor_of(request).account_id) is not None:
        voter = find_own_line_again(connection, held.line_id, account_id)
    else:
        voter = None
    return voter if voter is not None and not voter.is_void and voter.roll_id == poll.roll_id else None


def _nobody(request: AnyRequest) -> DomainError:
    """Say what helps where nobody is at the ballot: a code, or at a second screen the counter."""
    return Invalid("code.missing", field="code") if screen_of(request) is None else Forbidden("screen.over")


def tag_of(house: House, poll: Poll | Held, voter: Voter) -> bytes:
    """Work out what stands for a voter in this vote's lists. Raises Conflict "keys.gone"."""
    return Keys(house.config.keys).tag(poll.id, voter.line)


async def with_pass(request: AnyRequest, answer: Response[str], poll: Poll, voter: Voter) -> Response[str]:
    """Give the browser the pass of a voter whose code was right."""
    house = house_of(request)
    async with house.db.reading() as session:
        moment = await now(session)
    keep_cookie(request, house.config.booth_cookie_name, pass_of(house, poll, voter, moment), VALID_FOR)
    return answer


def pass_of(house: House, poll: Poll | Held, voter: Voter, moment: datetime) -> str:
    """Write the pass of somebody at the ballot."""
    return seal_pass(house.config.secret, poll.id, voter, moment)


def asked_fact(request: AnyRequest, names: Texts, error: DomainError | TooMany | None = None) -> Texts:
    """Tell what a page asks for beside a code, by its name in some languages; nothing where it asks the code alone.

    names: what the list of the vote calls it.
    The drawing on a slip of the desk leads to a page that does not ask; once its code is not known, that one asks too.
    """
    from_desk = "yes" in (request.query_params.get(AT_THE_DESK), visitor_of(request).text(AT_THE_DESK))
    is_unknown = isinstance(error, DomainError) and error.code == "code.unknown"
    return {} if from_desk and not is_unknown else names


def _counted(request: AnyRequest, code: str) -> str:
    """Count the fact that comes beside a code, if one does. Raises FactsSlowed."""
    if visitor_of(request).text("fact").strip():
        count_fact(house_of(request).limits, code)
    return code


def _check_fact(request: AnyRequest, code: str, voter: Voter) -> None:
    """Check the fact beside a code that came by letter; a wrong one is answered as a wrong code is."""
    house, fact = house_of(request), visitor_of(request).text("fact").strip()
    if not is_right_fact(house.config.secret, voter.line_id, voter.asked_fact, fact):
        raise Forbidden("code.unknown", field="code")
    if fact:
        fact_was_right(house.limits, code)


def said_of(
    error: DomainError | TooMany | None, fact: Texts | None = None
) -> tuple[DomainError | None, int, dict[str, str]]:
    """Give what the page says of an error, its status, and headers. A page of the booth is never kept anywhere.

    fact: what is asked for beside the code; then nobody is told which of the two was wrong.
    """
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, FactsSlowed):
        slowed = Forbidden("code.fact_slowed", field="code", hours=-(-error.seconds // 3600))
        return slowed, 429, headers | {"Retry-After": str(error.seconds)}
    if fact and isinstance(error, DomainError) and error.code == "code.unknown":
        error = Forbidden("code.or_fact", field="code")
    if isinstance(error, TooMany):
        slowed = Forbidden("code.too_many", field="code", minutes=-(-error.seconds // 60))
        return slowed, 429, headers | {"Retry-After": str(error.seconds)}
    return error, error.status if error else 200, headers
