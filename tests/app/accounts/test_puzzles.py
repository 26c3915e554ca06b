"""The sum in place of waiting: what a browser found is checked as it was told, and nothing else passes."""

import hashlib

import pytest

from app.accounts.puzzles import BITS, PARTS, is_solved
from tests.plumbing.sums import solve

TURN = "VGhpcyBpcyBub3QgYSB0dXJuLCBidXQgaGFzIDQ4IHNpZ25z"
PROOF = solve(TURN)


def test_a_sum_that_was_done_is_taken() -> None:
    assert is_solved(TURN, PROOF)
    for part, number in enumerate(PROOF.split(".")):
        assert hashlib.sha256(f"{TURN[:32]}.{part}.{number}".encode()).hexdigest().startswith("000")


def test_the_sum_is_as_long_as_it_is_said_to_be() -> None:
    """So many hashes on average, and seldom twice as many."""
    assert PARTS * 2**BITS == 65_536


@pytest.mark.parametrize(
    "wrong",
    ["", "1", ".".join(["1"] * PARTS), PROOF + ".1", PROOF.rpartition(".")[0], PROOF.replace(".", ","), f"-{PROOF}",
     " " + PROOF, PROOF + "\n", "0" + PROOF, ".".join(reversed(PROOF.split("."))), "١" + PROOF[1:], "1" * 100_000],
)  # fmt: skip
def test_another_text_is_no_sum(wrong: str) -> None:
    assert not is_solved(TURN, wrong)


def test_the_sum_of_another_turn_is_none_of_this_one() -> None:
    assert not is_solved(TURN[::-1], PROOF)
    assert not is_solved("", PROOF)
