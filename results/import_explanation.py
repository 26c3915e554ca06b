"""Telling the count of a past vote by any rule: the order, a reason for each place, rounds, grades, other rules. Pure.

Here are only facts, named and rounded once; the sentences stand in templates/results/_reasons.html, in every language.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from itertools import pairwise as neighbours
from typing import Any

from results.explanation import Row, Sentence, Split, matrix_of, per_cent, sentence_of, split_of
from results.rounds import Rounds, find_held, tell_rounds

Shown = int | Decimal
MEASURES = {
    "borda": "points",
    "irv": "held",
    "stv": "held",
    "plurality": "votes",
    "approval": "approvals",
    "phragmen": "approvals",
    "score": "points",
    "star": "points",
    "majority-judgment": "grade",
}
"""What the bars of the order show; "first_three" where the rule is not here, "means" where points are a mean."""


@dataclass(frozen=True)
class Option:
    """One option in its place. value: what its bar shows, None where there is no such figure. chosen: fills a seat."""

    name: str
    value: Shown | None
    chosen: bool


@dataclass(frozen=True)
class Rank:
    """One place of the order; tied options share it, and the next place counts them all."""

    place: int
    tied: bool
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Reason:
    """Why the option above stands before the one below, or beside it.

    kind:    the sentence: a word of the rule's certificate, after the rule's name where rules differ.
    figures: of the upper and the lower option. round: in which round that was; 0 = in none.
    margin:  by how much they differ, where that alone decides; else 0.
    split:   all counted ballots by whom they put first, where two were compared; else None.
    """

    kind: str
    above: str
    below: str
    figures: tuple[Shown | None, Shown | None] = (None, None)
    round: int = 0
    margin: Shown = 0
    split: Split | None = None


@dataclass(frozen=True)
class Profile:
    """How often an option was given each grade, the highest first. shares: whole per cents of the counted ballots."""

    name: str
    counts: tuple[int, ...]
    shares: tuple[int, ...]


@dataclass(frozen=True)
class Compared:
    """The place of each option by another rule, in the order of the result. same: nobody stands elsewhere."""

    rule: str
    places: tuple[int, ...]
    same: bool


@dataclass(frozen=True)
class ImportStory:
    """All that the page of a past vote tells.

    measure:   what the bars show. most: the value of the longest one.
    sentences: for each option but the last, why it stands before the next one; None where nothing is known of the two.
    matrix:    empty without comparisons. rounds: None without. profiles: empty without grades.
    """

    rule: str
    seats: int
    winners: tuple[str, ...]
    places: tuple[Rank, ...]
    measure: str
    most: Shown
    sentences: tuple[Reason | Sentence | None, ...]
    matrix: tuple[Row, ...]
    rounds: Rounds | None
    profiles: tuple[Profile, ...]
    others: tuple[Compared, ...]


def explain_import(card: Mapping[str, Any], count: Mapping[str, Any]) -> ImportStory:
    """Put together what the page says.

    card: as on file. count: as `publication.prepare_import` keeps it.
    """
    rule, seats = count["rule"], card.get("seats") or 0
    certificate = count["certificate"] or {}
    measure = MEASURES.get(rule, "first_three")
    if measure == "points" and certificate.get("variants", {}).get("unranked") == "ignored" and rule == "score":
        measure = "means"
    values = _values(count, measure)
    names = [name for tied in count["order"] for name in tied]
    told = {each.below: each for each in _reasons(rule, count)}
    most = [value for value in values.values() if value is not None]
    return ImportStory(
        rule=rule,
        seats=seats,
        winners=tuple(count["winners"]),
        places=_ranks(count, values, frozenset(count["winners"]) if seats else frozenset()),
        measure=measure,
        most=certificate.get("top", 1) if measure in {"grade", "means"} else max(most, default=0),
        sentences=tuple(told.get(below) for below in names[1:]),
        matrix=matrix_of(count) if count["pairwise"] else (),
        rounds=tell_rounds(count) if rule in {"irv", "stv"} and count["rounds"] else None,
        profiles=_profiles(count, names),
        others=tuple(_compare(names, count["order"], each) for each in count.get("rules", ())),
    )


def shown(number: int | str | None) -> Shown | None:
    """Round a figure of a certificate to two places; whole ones stay whole. None for none."""
    if number is None or number == "":
        return None
    exact = Fraction(number)
    if exact.denominator == 1:
        return exact.numerator
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(Decimal("0.01"))


def _values(count: Mapping[str, Any], measure: str) -> dict[str, Shown | None]:
    if measure == "held":
        return {name: shown(votes) for name, votes in find_held(count).items()}
    if measure == "means":
        return {name: shown(mean) for name, mean in count["certificate"]["means"].items()}
    return {each["option"]: shown(each[measure]) for each in count["places"]}


def _ranks(count: Mapping[str, Any], values: Mapping[str, Shown | None], chosen: frozenset[str]) -> tuple[Rank, ...]:
    ranks = []
    for place, group in groupby(count["places"], key=lambda each: each["place"]):
        options = tuple(Option(each["option"], values.get(each["option"]), each["option"] in chosen) for each in group)
        ranks.append(Rank(place, len(options) > 1, options))
    return tuple(ranks)


def _reasons(rule: str, count: Mapping[str, Any]) -> Iterator[Reason | Sentence]:
    certificate, order = count["certificate"] or {}, count["order"]
    if rule == "schulze":
        yield from map(sentence_of, certificate["neighbours"])
    elif rule == "stv":
        yield from _seated(order, certificate)
    elif rule == "plurality":
        yield from _by_figures("votes", order, certificate["votes"])
    elif rule == "borda":
        yield from _by_figures("points", order, certificate["scores"])
    else:
        for pair in certificate["neighbours"]:
            yield _reason(rule, pair, count["counted"])


def _by_figures(kind: str, order: Sequence[Sequence[str]], figures: Mapping[str, int | str]) -> Iterator[Reason]:
    for a, b in neighbours([name for tied in order for name in tied]):
        yield _differing(kind, a, b, figures[a], figures[b])


def _differing(kind: str, above: str, below: str, a: int | str, b: int | str) -> Reason:
    return Reason(kind, above, below, (shown(a), shown(b)), margin=shown(str(Fraction(a) - Fraction(b))) or 0)


def _reason(rule: str, pair: Mapping[str, Any], counted: int) -> Reason:
    """Read one entry of "neighbours" in the certificate of a rule that has them."""
    return _READERS[rule](Reason("", pair["above"], pair["below"]), pair, counted)


def _locked(bare: Reason, pair: Mapping[str, Any], counted: int) -> Reason:
    figures, split = _compared(pair, counted)
    return replace(bare, kind="pair-open" if pair["tied"] else "pair", figures=figures, split=split)


def _run_off(bare: Reason, pair: Mapping[str, Any], counted: int) -> Reason:
    figures = (pair["for"], pair["against"])
    return replace(bare, kind=f"irv-{pair['how']}", figures=figures, round=pair["round"] or 0)


def _approved(bare: Reason, pair: Mapping[str, Any], counted: int) -> Reason:
    if pair["by_lot"]:
        return replace(bare, kind="lot", figures=_two(pair["approvals"]))
    return _differing("approvals", bare.above, bare.below, *pair["approvals"])


def _scored(bare: Reason, pair: Mapping[str, Any], counted: int) -> Reason:
    """Compare points where the means are of equally many ballots, else the means."""
    means, given = pair["means"], pair["given"]
    if None in means:
        return replace(bare, kind="ungraded", figures=_two(means))
    if given[0] == given[1] or Fraction(means[0]) * counted == pair["points"][0]:
        return _differing("points", bare.above, bare.below, *pair["points"])
    return replace(bare, kind="means", figures=_two(means))


def _starred(bare: Reason, pair: Mapping[str, Any], counted: int) -> Reason:
    kind = f"star-{pair['by']}"
    if pair["by"] not in {"runoff", "runoff_points", "runoff_highest", "tied"}:
        return replace(bare, kind=kind, figures=_two(pair["points"]))
    figures, split = _compared(pair, counted)
    return replace(bare, kind=kind, figures=figures, split=split)


def _judged(bare: Reason, pair: Mapping[str, Any], counted: int) -> Reason:
    kind = "grades-same" if pair["tied"] else "grades" if pair["removed"] else "majority"
    return replace(bare, kind=kind, figures=_two(pair["grades"] or (None, None)), round=pair["removed"] or 0)


def _served(bare: Reason, pair: Mapping[str, Any], counted: int) -> Reason:
    by = "tied" if pair["tied"] else "none" if pair["by"] == "load" and pair["other"] is None else pair["by"]
    return replace(bare, kind=f"phragmen-{by}", figures=(shown(pair["load"]), shown(pair["other"])))


_READERS: Mapping[str, Callable[[Reason, Mapping[str, Any], int], Reason]] = {
    "ranked-pairs": _locked,
    "irv": _run_off,
    "approval": _approved,
    "phragmen": _served,
    "score": _scored,
    "star": _starred,
    "majority-judgment": _judged,
}


def _compared(pair: Mapping[str, Any], counted: int) -> tuple[tuple[int, int], Split]:
    ahead, behind = pair["for"], pair["against"]
    return (ahead, behind), split_of(ahead, counted - ahead - behind, behind)


def _two(figures: Sequence[int | str | None]) -> tuple[Shown | None, Shown | None]:
    return shown(figures[0]), shown(figures[1])


def _seated(order: Sequence[Sequence[str]], certificate: Mapping[str, Any]) -> Iterator[Reason]:
    """Say for each two neighbours who was elected sooner, or with more votes, and who was left out.

    Those who are not elected share the last place: of them is said when each went out, 0 = it stayed to the end.
    """
    elected = {each["option"]: each for each in certificate["elected"]}
    excluded = {each["option"]: each for each in certificate["excluded"]}
    place = {name: number for number, tied in enumerate(order) for name in tied}
    for a, b in neighbours([name for tied in order for name in tied]):
        up, low = elected.get(a), elected.get(b)
        if up and low:
            kind = "tied" if place[a] == place[b] else "sooner" if up["stage"] < low["stage"] else "more"
            yield Reason(f"stv-{kind}", a, b, (shown(up["votes"]), shown(low["votes"])), up["stage"])
        elif up and b in excluded:
            gone = excluded[b]
            yield Reason("stv-out", a, b, (shown(up["votes"]), shown(gone["votes"])), gone["stage"])
        elif up:
            yield Reason("stv-end", a, b, (shown(up["votes"]), None), up["stage"])
        else:
            yield Reason("stv-neither", a, b)


def _profiles(count: Mapping[str, Any], names: Sequence[str]) -> tuple[Profile, ...]:
    grades = count.get("grades") or {}
    told = []
    for name in names if grades else ():
        counts = tuple(reversed(grades[name]))
        told.append(Profile(name, counts, tuple(per_cent(each, count["counted"]) for each in counts)))
    return tuple(told)


def _compare(names: Sequence[str], order: Sequence[Sequence[str]], other: Mapping[str, Any]) -> Compared:
    place, above = {}, 0
    for tied in other["order"]:
        place.update(dict.fromkeys(tied, above + 1))
        above += len(tied)
    same = [set(tied) for tied in order] == [set(tied) for tied in other["order"]]
    return Compared(other["rule"], tuple(place[name] for name in names), same)
