"""Single transferable vote: the published counts, the rules of the law one by one, and a plain count beside ours."""

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.counting import registry, stv
from ballots.counting.contest import Contest, Variants, draw_lot
from ballots.counting.types import UNRANKED, Outcome, Profile
from ballots.formats.reading import read_contest
from commons.errors import Invalid
from tests.strategies import profiles, relabel

VOTES = Path(__file__).parents[4] / "shared" / "data" / "votes"
needs_votes = pytest.mark.skipif(not VOTES.is_dir(), reason="the published votes are not beside this checkout")
LETTERS = st.sampled_from("ABCDEFGH")


def pile(options: str, *ballots: tuple[str, int], blank: int = 0) -> Profile:
    """Write ballots as "A B=C": A first, then B and C in one place."""
    rankings = [([group.split("=") for group in said.split()], weight) for said, weight in ballots]
    return Profile.of(options, rankings, blank=blank)


def count(profile: Profile, seats: int, **variants: str | int | None) -> Outcome:
    return stv.count(Contest(profile), replace(Variants(seats=seats), **variants))


def stages(outcome: Outcome, what: str) -> list[tuple[str, int]]:
    return [(each["option"], each["stage"]) for each in outcome.certificate[what]]


# Published counts. Source of figures and files: README.md beside the votes (mggg/scot-elex, stv.vote).


def read_ward(name: str) -> Contest:
    return read_contest((VOTES / name).read_bytes(), name)


@needs_votes
def test_glasgow_linn_2022_is_reproduced() -> None:
    outcome = stv.count(read_ward("glasgow_2022_ward1.csv"))
    assert (outcome.counted, outcome.certificate["quota"]) == (8994, 1799)
    elected = ["Malcolm Cunning", "Paul Mccabe", "Margaret Morgan", "Catherine Vallis"]
    assert outcome.elected == outcome.winners == elected
    assert outcome.order[:4] == [[name] for name in elected]
    assert len(outcome.order) == 5
    assert stages(outcome, "elected")[:2] == [("Malcolm Cunning", 1), ("Paul Mccabe", 1)]
    assert [outcome.rounds[0]["tally"][name] for name in elected[:2]] == [2152, 1934]
    assert [name.split()[-1] for name, _ in stages(outcome, "excluded")] == [
        "Jones", "Warwick", "Mccauley", "Toner", "Blockley",
    ]  # fmt: skip


@needs_votes
def test_aberdeen_ward_10_2022_is_reproduced() -> None:
    outcome = stv.count(read_ward("aberdeen_2022_ward10.csv"))
    assert (outcome.counted, outcome.certificate["quota"]) == (7736, 1548)
    assert outcome.elected == ["Martin Greig", "Jennifer Stewart", "John Cooke", "Ken Mcleod"]
    assert stages(outcome, "elected")[:3] == [("Martin Greig", 1), ("Jennifer Stewart", 1), ("John Cooke", 4)]
    assert [outcome.rounds[0]["tally"][name] for name in outcome.elected[:2]] == [1967, 1618]


@needs_votes
def test_eilean_siar_ward_3_2012_fills_its_last_seat_below_the_quota() -> None:
    outcome = stv.count(read_ward("eilean_siar_2012_ward3.csv"))
    assert (outcome.counted, outcome.certificate["quota"]) == (802, 201)
    assert outcome.elected == ["Catherine Macdonald", "Philip Robert Mclean", "D J Macrae"]
    assert outcome.certificate["elected"][2] == {
        "option": "D J Macrae", "stage": 4, "votes": "193.52180", "by": "vacancy",
    }  # fmt: skip


@needs_votes
@pytest.mark.parametrize("name", ["glasgow_2022_ward1.csv", "aberdeen_2022_ward10.csv", "eilean_siar_2012_ward3.csv"])
@pytest.mark.parametrize("variants", [{}, {"transfer": "wigm"}, {"decimals": 2}, {"batch": True}])
def test_the_wards_are_counted_as_by_hand(name: str, variants: dict[str, Any]) -> None:
    ward = read_ward(name)
    outcome = stv.count(ward, Variants(**variants))
    assert ward.rankings is not None
    check_stages(ward.rankings, outcome)
    if variants.get("decimals") is None:
        assert outcome.elected == stv.count(ward).elected


# The law, rule by rule. The numbers are those of SSI 2007/42, schedule 1.


def test_the_papers_of_a_surplus_pass_at_their_value_cut_off_48() -> None:
    # Quota 16 // 3 + 1 = 6. A has 9, its surplus 3: each paper is worth 3/9 = 0.33333, and one names nobody else.
    ballots = pile("ABCD", ("A B", 8), ("A", 1), ("B", 3), ("C", 3), ("D", 1))
    told = count(ballots, 2).rounds
    assert told[0]["tally"] == {"A": 9, "B": 3, "C": 3, "D": 1}
    assert (told[1]["surplus_of"], told[1]["surplus"], told[1]["transfer_values"]) == ("A", 3, {"1": "0.33333"})
    assert told[1]["tally"] == {"A": 6, "B": "5.66664", "C": 3, "D": 1}
    assert (told[1]["exhausted"], told[1]["lost"]) == ("0.33333", "0.00003")
    assert count(ballots, 2, decimals=2).rounds[1]["tally"]["B"] == "5.64"
    assert count(ballots, 2, transfer="wigm").rounds[1]["tally"]["B"] == "5.666666666666666664"
    assert count(ballots, 2, transfer="wigm", decimals=5).rounds == told


def test_a_paper_passed_on_twice_is_worth_the_product_48_4() -> None:
    # Quota 24 // 4 + 1 = 7: A's 14 pass on at 0.5 to B (7 + 3 = 10), whose surplus 3 passes on 0.5 * 3 / 10 = 0.15.
    ballots = pile("ABCDE", ("A B C", 14), ("B D", 3), ("D", 4), ("E", 3))
    told = count(ballots, 3).rounds
    assert told[1]["transfer_values"] == {"1": "0.50000"}
    assert told[2]["transfer_values"] == {"1": "0.30000", "0.50000": "0.15000"}
    assert told[2]["tally"] == {"A": 7, "B": 7, "C": "2.10000", "D": "4.90000", "E": 3}


def test_the_papers_of_an_excluded_candidate_keep_their_value_50_4() -> None:
    ballots = pile("ABCD", ("A D B", 8), ("B", 4), ("C", 5), ("D C", 1))
    told = count(ballots, 2).rounds  # quota 18 // 3 + 1 = 7, A's papers at 1/8
    assert told[1]["tally"] == {"A": 7, "B": 4, "C": 5, "D": 2}
    assert (told[2]["excluded"], told[2]["tally"]) == (["D"], {"A": 7, "B": 5, "C": 6})


def test_the_largest_surplus_goes_first_49_1() -> None:
    told = count(pile("ABCDE", ("A C", 9), ("B", 12), ("C", 1), ("D", 1), ("E", 1)), 3).rounds
    assert [each.get("surplus_of") for each in told[:3]] == [None, "B", "A"]


def test_equal_surpluses_go_by_the_stage_before_then_by_lot_49_2_and_3() -> None:
    # Quota 10. E's papers lift both B and D to 11; at stage 1 D had 9 and B 8.
    before = count(pile("ABCDE", ("A", 9), ("B", 8), ("C", 8), ("D", 9), ("E B", 3), ("E D", 2)), 3)
    assert [each.get("surplus_of") for each in before.rounds[:4]] == [None, None, "D", "B"]
    assert before.certificate["ties"] == [{"stage": 3, "among": ["B", "D"], "chosen": "D", "decided_by_stage": 1}]
    assert before.order[:2] == [["D"], ["B"]]
    outcome = count(pile("ABCDE", ("A C", 8), ("B D", 8), ("C", 3), ("D", 2), ("E", 1)), 3)
    lot = draw_lot("", "AB")
    assert outcome.certificate["lots"][0] == {"among": ["A", "B"], "drawn": lot}
    assert [each.get("surplus_of") for each in outcome.rounds[1:3]] == lot
    assert outcome.order[0] == ["A", "B"]  # the lot decided whose papers move, not who was elected before whom


def test_the_lowest_of_equals_is_who_was_lower_at_the_latest_stage_before_51_2a() -> None:
    ballots = pile("ABCDE", ("A B", 1), ("B", 2), ("C", 3), ("D", 4), ("E", 5))
    outcome = count(ballots, 2)
    assert stages(outcome, "excluded") == [("A", 2), ("B", 3), ("C", 4)]
    assert outcome.certificate["ties"] == [{"stage": 3, "among": ["B", "C"], "chosen": "B", "decided_by_stage": 1}]
    assert outcome.certificate["lots"] == []
    assert outcome.elected == ["E", "D"]  # rule 52: two are left for two seats, the one with more votes first


def test_the_latest_stage_before_counts_not_the_first_51_2a() -> None:
    # At the end A and E have 9 each. At stage 1 E had more (7 to 5), at the latest stage before A (9 to 7).
    outcome = count(pile("ACDE", ("D", 4), ("E", 7), ("D E", 2), ("A C", 5), ("C A", 4)), 1)
    assert [told["tally"] for told in outcome.rounds[1:3]] == [{"A": 9, "D": 6, "E": 7}, {"A": 9, "E": 9}]
    assert outcome.certificate["ties"] == [{"stage": 4, "among": ["A", "E"], "chosen": "E", "decided_by_stage": 2}]
    assert outcome.elected == ["A"]


def test_a_lot_decides_between_those_who_were_always_equal_51_2b() -> None:
    ballots = pile("ABC", ("A", 4), ("B", 2), ("C", 2))
    for seed in ("", "one", "two"):
        outcome = count(ballots, 2, tiebreak_seed=seed)
        drawn = draw_lot(seed, "BC")
        assert outcome.certificate["lots"] == [{"among": ["B", "C"], "drawn": drawn}]
        assert outcome.rounds[-1]["excluded"] == [drawn[0]]
        assert outcome.elected == ["A", drawn[1]]
    assert len({draw_lot(seed, "BC")[0] for seed in ("", "one", "two")}) == 2


def test_nothing_more_is_transferred_when_as_many_are_left_as_vacancies_52() -> None:
    outcome = count(pile("ABC", ("A B", 9), ("B", 2), ("C", 1)), 3)
    assert len(outcome.rounds) == 1
    assert outcome.elected == ["A", "B", "C"]
    assert [each["by"] for each in outcome.certificate["elected"]] == ["quota", "vacancy", "vacancy"]


# What the law leaves to us.


def test_a_shared_rank_ends_the_ballot_or_is_passed_over() -> None:
    ballots = pile("ABCD", ("A", 5), ("B A=C D", 3), ("A=B D", 2), ("D", 4))
    ends = count(ballots, 1)
    assert ends.rounds[0]["tally"] == {"A": 5, "B": 3, "C": 0, "D": 4}
    assert (ends.rounds[0]["exhausted"], ends.certificate["valid"], ends.certificate["quota"]) == (2, 12, 7)
    assert ends.rounds[-1]["exhausted"] > 2
    passed = count(ballots, 1, overvote="skip")
    assert passed.rounds[0]["tally"] == {"A": 5, "B": 3, "C": 0, "D": 6}
    assert (passed.certificate["valid"], passed.elected) == (14, ["D"])


def test_batch_leaves_out_together_who_cannot_catch_up() -> None:
    ballots = pile("ABCDE", ("A", 20), ("B", 10), ("C D", 3), ("D B", 2), ("E A", 1))
    assert count(ballots, 2, batch=True).rounds[0]["elected"] == ["A"]
    one_by_one, together = count(ballots, 2), count(ballots, 2, batch=True)
    assert [told["excluded"] for told in together.rounds[1:] if told["excluded"]] == [["C", "D", "E"]]
    assert len(one_by_one.rounds) > len(together.rounds)
    # Three together have no fewer votes than B: C might catch up with the votes of the others.
    assert count(pile("ABCD", ("A", 20), ("B", 6), ("C", 5), ("D", 1)), 1, batch=True).elected == ["A"]
    close = count(pile("ABCD", ("A", 9), ("B", 6), ("C", 5), ("D C", 2)), 1, batch=True)
    assert [told["excluded"] for told in close.rounds[1:]] == [["D"], ["B"], ["C"]]


def test_who_has_withdrawn_gets_no_votes_and_stands_last() -> None:
    ballots = pile("ABC", ("A", 3), blank=1)
    outcome = stv.count(Contest(ballots, seats=2, withdrawn=frozenset("B")))
    assert (outcome.elected, outcome.order) == (["A", "C"], [["A"], ["C"], ["B"]])
    assert (outcome.options, outcome.certificate["withdrawn"]) == (("A", "B", "C"), ["B"])
    assert all("B" not in told["tally"] for told in outcome.rounds)
    with pytest.raises(Invalid) as refused:
        stv.count(Contest(ballots, seats=3, withdrawn=frozenset("B")))
    assert (refused.value.code, refused.value.facts) == ("count.seats", {"found": 3, "limit": 2})


def test_blank_ballots_and_a_single_option_count_without_a_stumble() -> None:
    nobody = count(Profile.of("ABC", [], blank=5), 2)
    assert (nobody.certificate["quota"], len(nobody.elected), nobody.counted) == (1, 2, 0)
    assert count(Profile.of("A", []), 1).elected == ["A"]
    assert count(pile("AB", ("A=B", 4)), 1).rounds[0]["exhausted"] == 4


def test_every_variant_is_echoed_with_the_value_in_force() -> None:
    ballots = pile("AB", ("A", 1))
    known = set(registry.RULES["stv"].variants)
    assert set(count(ballots, 1).certificate["variants"]) == known
    assert count(ballots, 1).certificate["variants"]["decimals"] == 5
    assert count(ballots, 1, transfer="wigm").certificate["variants"]["decimals"] == 18
    assert count(ballots, 1, transfer="wigm", decimals=4).certificate["variants"]["decimals"] == 4


@pytest.mark.parametrize(
    ("variants", "code"),
    [
        ({"decimals": 0}, "count.choice"),
        ({"decimals": 19}, "count.choice"),
        ({"decimals": -1}, "count.choice"),
        ({"transfer": "meek"}, "count.choice"),
        ({"overvote": "split"}, "count.choice"),
        ({"seats": 0}, "count.seats"),
        ({"seats": 3}, "count.seats"),
        ({"seats": None}, "count.seats_missing"),
    ],
)
def test_what_cannot_be_is_refused(variants: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        stv.count(Contest(pile("AB", ("A", 1))), Variants(**({"seats": 1} | variants)))
    assert refused.value.code == code


# What holds for any pile.

CHOICES = st.fixed_dictionaries(
    {
        "overvote": st.sampled_from(["exhaust", "skip"]),
        "transfer": st.sampled_from(["scottish", "wigm"]),
        "decimals": st.none() | st.integers(1, 18),
        "batch": st.booleans(),
        "tiebreak_seed": st.sampled_from(["", "a", "b"]),
    }
)


def preferences(row: Iterable[int], *, skip: bool) -> list[int]:
    """Write one ballot as a list of options, the first preference first."""
    row = list(row)
    listed = []
    for place in sorted(set(row) - {UNRANKED}):
        group = [option for option, rank in enumerate(row) if rank == place]
        if len(group) == 1:
            listed += group
        elif not skip:
            break
    return listed


def least(options: Iterable[int], history: list[dict[int, Fraction]], sign: int) -> set[int]:
    """Find who has the fewest votes (sign 1) or the most (-1), of equals who had so at the latest stages before."""
    tied = set(options)
    for votes in reversed(history):
        tied = {a for a in tied if all(sign * votes[a] <= sign * votes[b] for b in tied)}
    return tied


def check_stages(profile: Profile, outcome: Outcome) -> None:
    """Count again, ballot by ballot with fractions, doing at each stage what was done, and see that it was right."""
    names, variants = list(profile.options), outcome.certificate["variants"]
    unit = 10 ** variants["decimals"]
    skip = variants["overvote"] == "skip"
    papers = [(preferences(row, skip=skip), weight) for row, weight in profile.rows().items()]
    value = [Fraction(1)] * len(papers)
    left = set(range(len(names)))
    held = [next(iter(listed), None) for listed, _ in papers]
    kept: dict[int, Fraction] = {}
    valid = sum(weight for listed, weight in papers if listed)
    quota = valid // (variants["seats"] + 1) + 1
    assert (outcome.certificate["quota"], outcome.certificate["valid"]) == (quota, valid)
    seats = variants["seats"]
    last: dict[int, Fraction] = {}
    history: list[dict[int, Fraction]] = []
    for number, told in enumerate(outcome.rounds):
        if number:
            over = {option: votes - quota for option, votes in last.items() if votes > quota and option not in left}
            if over:
                giver = names.index(told["surplus_of"])
                assert Fraction(told["surplus"]) == over[giver]
                assert giver in least(over, history, -1)
                givers, kept[giver] = {giver}, Fraction(quota)
            else:
                givers = {names.index(name) for name in told["excluded"]}
                assert givers <= left
                assert len(givers) > 1 or givers <= least(left, history, 1)
                left -= givers
                others = [last[option] for option in left]
                worst = [last[option] for option in givers]
                assert len(givers) == 1 or (variants["batch"] and sum(worst) < min(others))
            for i, (listed, _) in enumerate(papers):
                if held[i] in givers:
                    if over:
                        value[i] = Fraction(value[i] * over[giver] / last[giver] * unit // 1, unit)
                    held[i] = next((option for option in listed if option in left), None)
        tally = {option: kept.get(option, Fraction(0)) for option in left | set(kept)}
        for i, (_, weight) in enumerate(papers):
            holder = held[i]
            if holder is not None:
                tally[holder] = tally.get(holder, Fraction(0)) + weight * value[i]
        assert {names[option]: votes for option, votes in tally.items()} == {
            name: Fraction(votes) for name, votes in told["tally"].items()
        }
        reached = {option for option in left if tally[option] >= quota}
        elected = left if len(left) == seats else reached
        assert {names[option] for option in elected} == set(told["elected"])
        left, seats, last = left - elected, seats - len(elected), tally
        history.append(tally)
        total = sum(map(Fraction, told["tally"].values())) + Fraction(told["exhausted"]) + Fraction(told["lost"])
        assert total == outcome.counted
    assert not seats


@given(profiles(names=LETTERS), CHOICES, st.data())
def test_every_stage_is_counted_as_by_hand(profile: Profile, choices: dict[str, Any], data: st.DataObject) -> None:
    outcome = count(profile, data.draw(st.integers(1, len(profile.options))), **choices)
    check_stages(profile, outcome)
    assert sorted(name for place in outcome.order for name in place) == sorted(profile.options)
    assert len(outcome.elected) == outcome.certificate["seats"]
    assert [name for name, _ in stages(outcome, "elected")] == outcome.elected


@given(profiles(), CHOICES, st.data())
def test_renaming_and_shuffling_the_options_renames_the_count(
    profile: Profile, choices: dict[str, Any], data: st.DataObject
) -> None:
    seats = data.draw(st.integers(1, len(profile.options)))
    shuffled = relabel(profile, data.draw(st.permutations(range(len(profile.options)))))
    mine, other = count(profile, seats, **choices), count(shuffled, seats, **choices)
    assert list(map(set, mine.order)) == list(map(set, other.order))
    assert [told["tally"] for told in mine.rounds] == [told["tally"] for told in other.rounds]


@given(profiles(), CHOICES)
def test_splitting_merging_and_shuffling_the_ballots_changes_nothing(profile: Profile, choices: dict[str, Any]) -> None:
    one_each = np.repeat(np.arange(len(profile.weights)), profile.weights)[::-1]
    ones = np.ones(len(one_each), dtype=np.int64)
    spread = Profile(profile.options, profile.ranks[one_each], ones, profile.blank, profile.invalid)
    assert count(spread, 1, **choices).as_json() == count(profile, 1, **choices).as_json()


@given(st.data())
def test_who_stands_together_gets_a_seat_for_every_quota(data: st.DataObject) -> None:
    # Droop's proportionality. One vote more than the quotas makes up for what is cut off.
    options, together = "ABCDEF", data.draw(st.integers(1, 5))
    orders = st.permutations(options[:together]).map(lambda first: [*first])
    solid = data.draw(st.lists(st.tuples(orders, st.integers(1, 9)), min_size=1, max_size=5))
    others = data.draw(st.lists(st.tuples(st.permutations(options).map(list), st.integers(1, 9)), max_size=5))
    ballots = [([[name] for name in ranked], weight) for ranked, weight in [*solid, *others]]
    seats = data.draw(st.integers(1, 5))
    outcome = count(Profile.of(options, ballots), seats)
    earned = (sum(weight for _, weight in solid) - 1) // outcome.certificate["quota"]
    assert len(set(outcome.elected) & set(options[:together])) >= min(earned, together, seats)
