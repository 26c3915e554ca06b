"""The votes of the town that accessibility tests walk through, one in each state, and what their voters do wrong."""

from collections.abc import Callable, Sequence
from typing import Any

from playwright.sync_api import Page

from app.accounts.roll.codes import new_code, shown
from app.accounts.roll.store import void_code
from app.house import House
from ballots.assisted import note_act
from ballots.tables import Act
from polls.lifecycle import State
from tests.accessibility import providers
from tests.plumbing.second_facts import know_second_facts
from tests.plumbing.town import RunningTown
from tests.plumbing.votes import HeldVote, hold_vote

OPEN = "a-vote-that-is-open"
MOOD, RULED = "a-vote-open-to-all", "a-vote-with-a-rule"
STATES = {
    OPEN: State.OPEN,
    "a-vote-to-come": State.LOCKED,
    "a-vote-interrupted": State.SUSPENDED,
    "a-vote-that-stopped": State.HALTED,
    "a-vote-that-is-closed": State.CLOSED,
    "a-vote-with-a-result": State.PUBLISHED,
    "a-vote-that-was-annulled": State.ANNULLED,
    "a-vote-of-many": State.PUBLISHED,
    "a-vote-of-too-few": State.PUBLISHED,
}
RESULTS = tuple(slug for slug, state in STATES.items() if state is State.PUBLISHED)
"""Their results: the order alone, everything there is to tell, and a box that stays shut."""
KINDS: dict[str, dict[str, Any]] = {
    "a-vote-for-one": {"rule": "plurality"},
    "a-vote-of-grades": {"rule": "majority-judgment"},
    "a-budget": {"rule": "equal-shares", "terms": {"budget": 100_000}},
    "a-budget-of-points": {"rule": "greedy", "terms": {"budget": 100_000, "points": 10}},
}
"""Open votes whose ballots are no rankings."""
PUBLISHED: dict[str, tuple[str, Sequence[Sequence[int]]]] = {
    "a-result-of-grades": ("majority-judgment", ((6, 4, 2, 1), (3, 6, 5, 0), (2, 2, 6, 4))),
    "a-result-of-choices": ("plurality", (*((1, 0, 0, 0),) * 6, *((0, 1, 0, 0),) * 3, (0, 0, 1, 0))),
}
"""Published votes whose figures are no comparisons: what they are counted by, and what their voters say in turn."""
COSTS = (60_000, 45_500, 30_000, 9_999)
VOTERS, VOTED = 14, 11
VOTED_IN = {"a-vote-of-many": 54, "a-vote-of-too-few": 9}
VOID = VOTERS - 1  # whose code no longer works; the one before has not voted
OPTIONS = [
    {"en": "Evening hours", "fr": "Ouverture le soir", "ka": "საღამოს საათები", "ar": "ساعات مسائية"},
    {
        "en": "Birth certificate by registered post to any address in the country",
        "fr": "Acte de naissance par courrier recommandé à toute adresse du pays",
        "ka": "დაბადების მოწმობა დაზღვეული ფოსტით ქვეყნის ნებისმიერ მისამართზე",
        "ar": "شهادة الميلاد بالبريد المضمون إلى أي عنوان في البلاد",
    },
    {"en": "Home visits", "fr": "Visites à domicile", "ka": "ვიზიტი სახლში", "ar": "زيارات منزلية"},
    {"en": "Donaudampfschifffahrtsgesellschaftskapitänswitwe"},
]
RANKINGS = ((1, 2), (4, 3), (2, 4, 1), (3, 1), (4, 2, 1), (2,), ())
Doing = Callable[[Page, RunningTown], None]
SEND = "form:has(#f-code) button[data-kind=main]"


async def hold_votes(house: House) -> dict[str, HeldVote]:
    """Hold a vote in each state; most people on its roll have voted, and one code was declared void."""
    votes = {}
    for slug, state in STATES.items():
        voted = VOTED_IN.get(slug, VOTED)
        vote = await hold_vote(
            house,
            State.LOCKED if state is State.LOCKED else State.OPEN,
            voters=voted + VOTERS - VOTED,
            titles={"en": slug.replace("-", " ").capitalize(), "ar": f"تصويت: {slug}"},
            options=[(names, "") for names in OPTIONS],
            most_ranked=3,
        )
        if state is not State.LOCKED:
            for number, code in enumerate(vote.codes[:voted]):
                await vote.cast(code, RANKINGS[number % len(RANKINGS)])
        roll = (await vote.poll()).roll_id
        assert roll is not None
        await house.db.write(lambda session, r=roll, v=vote: void_code(session, r, v.lines[-1]))  # type: ignore[misc]
        await vote.bring_into(state)
        votes[slug] = vote
    await know_second_facts(votes["a-vote-interrupted"], "1987")
    await helped(votes["a-vote-that-is-closed"])
    await providers.bind(house, votes[OPEN])
    for slug, given in KINDS.items():
        titles = {"en": slug.replace("-", " ").capitalize(), "ar": f"تصويت: {slug}"}
        kind: dict[str, Any] = {"options": [(names, "") for names in OPTIONS], "costs": COSTS, "most_ranked": 3}
        votes[slug] = await hold_vote(house, titles=titles, **kind, **given)
    for slug, (rule, answers) in PUBLISHED.items():
        titles = {"en": slug.replace("-", " ").capitalize(), "ar": f"نتيجة: {slug}"}
        options = [(names, "") for names in OPTIONS]
        votes[slug] = await hold_vote(house, voters=56, titles=titles, options=options, most_ranked=3, rule=rule)
        for number, code in enumerate(votes[slug].codes[:54]):
            await votes[slug].say(code, answers[number % len(answers)])
        await votes[slug].publish()
    asked = {"options": [(names, "") for names in OPTIONS], "most_ranked": 3}
    votes[MOOD] = await hold_vote(house, titles={"en": "A vote open to all"}, open_to_all=True, **asked)
    told, rule = {"born": "2015-01-31"}, {"age_at_least": {"on": "2027-03-01", "years": 18}}
    titles = {"en": "A vote with a rule"}
    votes[RULED] = await hold_vote(house, State.LOCKED, titles=titles, facts=[told], eligibility=rule, **asked)
    return votes


async def helped(vote: HeldVote) -> None:
    """Note all that can be done at a counter, for the first voter."""
    poll = await vote.poll()
    for act in Act:
        await vote.house.db.write(lambda session, a=act: note_act(session, vote.keys, poll, vote.lines[0].bytes, a))  # type: ignore[misc]


def slip(town: RunningTown, place: int, slug: str = OPEN) -> str:
    """Read somebody's slip: the first ones have voted, the last one's code is void."""
    return shown(town.votes[slug].codes[place])


def code_typed(place: int | None = None, text: str = "", slug: str = OPEN) -> Doing:
    """Type a code into the form that asks for one, by whose slip it is or as it stands, and send it."""

    def act(page: Page, town: RunningTown) -> None:
        page.fill("#f-code", text if place is None else slip(town, place, slug))
        page.click(SEND)

    return act


def changing(page: Page, town: RunningTown) -> None:
    """Come to a ballot that was cast before, by the receipt."""
    code_typed(0)(page, town)
    page.locator("a.button[href$='/votes/a-vote-that-is-open']").click()


def ranked_twice(page: Page, town: RunningTown) -> None:
    """Send a ballot that gives a number twice, as one without scripts may."""
    page.evaluate(
        "for (const each of document.querySelectorAll('[data-ballot] ~ ol select, select')) each.value = '01'"
    )
    code_typed(VOID - 1)(page, town)


def too_dear(page: Page, town: RunningTown) -> None:
    """Say yes to all of a budget, which costs more than there is."""
    page.evaluate("for (const each of document.querySelectorAll(\"input[value='01']\")) each.checked = true")
    code_typed(0, slug="a-budget")(page, town)


def nothing_chosen(page: Page, town: RunningTown) -> None:
    """Send a ballot on which one is to be chosen, and choose none."""
    code_typed(0, slug="a-vote-for-one")(page, town)


def broken(page: Page, town: RunningTown) -> None:
    """Send a ballot whose form is not whole."""
    page.evaluate("document.querySelector('[name=form]').value = 'zz'")
    code_typed(VOID - 1)(page, town)


def sent_to(slug: str) -> Doing:
    """Send a ballot to a vote that takes none any more, as a page that was open meanwhile does."""

    def act(page: Page, town: RunningTown) -> None:
        page.evaluate("slug => { document.querySelector('form:has(#f-code)').action = slug }", slug)
        code_typed(VOID - 1, slug=slug)(page, town)

    return act


def receipt_typed(text: str = "") -> Doing:
    """Look a receipt up: one that stands in the list, or what is given."""

    def act(page: Page, town: RunningTown) -> None:
        listed = page.request.get(f"{town.base}/votes/a-vote-that-is-closed/box.txt").text().split()
        page.fill("#f-receipt", text or listed[4])
        page.click("form:has(#f-receipt) button")

    return act


UNKNOWN = shown(new_code())
