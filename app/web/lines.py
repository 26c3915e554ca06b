"""A voter's own line in the public lists, and whether somebody may vote at all. Templates: templates/votes/.

Both are behind the code on the slip, which stands in no address; a tag neither, nor in any log.
"""

from collections.abc import Sequence
from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.limits import TooMany
from app.accounts.roll.facts import facts_of, rule_of
from app.accounts.roll.newcomers.joining import check_joining
from app.accounts.roll.store import get_asked_poll
from app.accounts.roll.voters import Voter
from app.accounts.store import find_accounts
from app.house import House
from app.web.admission import admit, admitted, asked_fact, own_line, said_of, tag_of, who_is_there, with_pass
from app.web.respond import AnyRequest, onward, page
from app.web.session import house_of, visitor_of
from ballots.assisted import find_acts
from ballots.keys import Keys
from ballots.looking_up import look_up
from ballots.my_line import FILE, MyLine
from ballots.standing import look_at
from ballots.tables import AssistedAct
from commons.clock import now
from commons.errors import Conflict, DomainError, Forbidden, Invalid
from polls.eligibility.judging import judge
from polls.eligibility.telling import tell_fact
from polls.lifecycle import State
from polls.store import get_public_poll
from polls.tables import Poll

BEFORE_OR_DURING = (State.LOCKED, State.OPEN, State.SUSPENDED)


class Lines(Controller):
    """My line: on the roll or not, among those who took part or not, with the proof to take home."""

    path = "/{lang:str}/votes/{slug:str}/my-line"

    @get(name="votes.line")
    async def show(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Show their line to whoever holds a booth pass; to others, the form that asks for their code."""
        return await _line_page(request, slug)

    @post(name="votes.line_enter")
    async def enter(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Take a code, and give the pass that leads to its line."""
        try:
            poll, voter = await admit(request, slug)
        except (DomainError, TooMany) as error:
            return await _line_page(request, slug, error)
        return await with_pass(request, onward(request, "votes.line", slug=slug), poll, voter)

    @post("/file", name="votes.line_file")
    async def file(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Give the file with the proofs to whoever holds a pass."""
        house = house_of(request)
        try:
            async with house.db.reading() as session:
                poll = await get_public_poll(session, slug)
                line = await _line(house, session, poll, await who_is_there(request, session, poll))
        except (DomainError, TooMany) as error:
            return await _line_page(request, slug, error)
        headers = {"Content-Disposition": f'attachment; filename="{FILE}"', "Cache-Control": "no-store"}
        return Response(line.bytes().decode(), media_type="application/json", headers=headers)


class Eligibility(Controller):
    """Am I eligible? If not, why, and what can I do."""

    path = "/{lang:str}/votes/{slug:str}/eligible"

    @get(name="votes.eligible")
    async def show(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Show the form that asks for the code, and what each answer would mean."""
        return await _eligible_page(request, slug)

    @post(name="votes.eligible_ask")
    async def ask(self, request: AnyRequest, lang: FromPath[str], slug: FromPath[str]) -> Response[str]:
        """Answer for this one code: yes; or no, why not, and what helps."""
        try:
            async with house_of(request).db.reading() as session:
                poll = await get_public_poll(session, slug)
                if poll.open_to_all:  # no code belongs to it: the page tells whoever is signed in
                    return await _eligible_page(request, slug)
                if visitor_of(request).text("code").strip():  # a pass of somebody else may lie in this browser
                    voter: Voter | None = await who_is_there(request, session, poll)
                else:
                    voter = await own_line(request, session, poll)
                if voter is None:
                    raise Invalid("code.missing", field="code")
                if reasons := _reasons(poll, voter):
                    refused = Forbidden("voter.not_eligible", field="code")
                    return await _eligible_page(request, slug, refused, reasons=reasons)
        except (DomainError, TooMany) as error:
            return await _eligible_page(request, slug, error)
        return await _eligible_page(request, slug, may_vote=True)


def _reasons(poll: Poll, voter: Voter) -> list[tuple[dict[str, Any], bool]]:
    """Find what of the vote's rule stands in somebody's way, and whether the list tells it of them."""
    if (rule := rule_of(poll.eligibility)) is None:
        return []
    verdict = judge(rule, facts_of(voter.known))
    return [(tell_fact(each.fact, wanted=each.wanted), each.is_known) for each in verdict.reasons]


async def _line(house: House, session: AsyncSession, poll: Poll, voter: Voter) -> MyLine:
    """Look a voter's line up. Raises Conflict "line.no_key" once the key of the roll is destroyed."""
    try:
        tag = tag_of(house, poll, voter)
    except Conflict as gone:
        raise Conflict("line.no_key") from gone
    return await look_up(session, poll, tag)


async def _line_page(request: AnyRequest, slug: str, error: DomainError | TooMany | None = None) -> Response[str]:
    house, line = house_of(request), None
    acts: list[AssistedAct] = []
    async with house.db.reading() as session:
        poll, fact = await get_asked_poll(session, slug)
        voter = await admitted(request, session, poll)
        if voter is not None and error is None:
            try:
                line = await _line(house, session, poll, voter)
                acts = await find_acts(session, Keys(house.config.keys), poll, voter.line)
            except Conflict as gone:
                error = gone
        standing = await look_at(session, poll)
        officials = await find_accounts(session, standing.people)
    fact = asked_fact(request, fact, error)
    said, status, headers = said_of(error, fact)
    answer = await page(
        request,
        "votes/my_line.html",
        status,
        poll=poll,
        standing=standing,
        officials=officials,
        line=line,
        acts=acts,
        fact=fact,
        code=visitor_of(request).text("code"),
        error=said,
    )
    answer.headers |= headers
    return answer


async def _eligible_page(
    request: AnyRequest,
    slug: str,
    error: DomainError | TooMany | None = None,
    *,
    may_vote: bool = False,
    reasons: Sequence[tuple[dict[str, Any], bool]] = (),
) -> Response[str]:
    account_id = visitor_of(request).account_id
    async with house_of(request).db.reading() as session:
        poll, fact = await get_asked_poll(session, slug)
        moment = await now(session)
        if poll.open_to_all and account_id is not None and poll.state in BEFORE_OR_DURING:
            try:
                await check_joining(session, Keys(house_of(request).config.keys), poll, account_id)
                may_vote = True
            except (Forbidden, Conflict) as refused:
                error = refused
    fact = asked_fact(request, fact, error)
    said, status, headers = said_of(error, fact)
    answer = await page(
        request,
        "votes/eligible.html",
        status,
        poll=poll,
        may_vote=may_vote,
        reasons=reasons,
        is_over=poll.state not in BEFORE_OR_DURING or moment >= poll.closes_at,
        fact=fact,
        code=visitor_of(request).text("code"),
        error=said,
    )
    answer.headers |= headers
    return answer


ROUTES = [Lines, Eligibility]
