"""Pure parts of a ballot: what it says, how it is sealed, what its receipt promises; all of one length."""

from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ballots.answers import order_of, read, read_sheet, write
from ballots.receipts import Receipt, check_receipt, commitment_of, form_hash_of, read_code, sign_receipt, tag_hash
from ballots.sealing import OVERHEAD, BoxKeys, seal, slot_of, unseal, unwrap, wrap
from commons.errors import Invalid
from polls.kinds import Kind, Paper

VOTE, OTHER = UUID(int=1), UUID(int=2)
BOX = BoxKeys.of(bytes(32), VOTE)
OPENER = X25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = OPENER.public_key().public_bytes_raw()
CARD = "ab" * 32
IDS = tuple(range(1, 13))
RANKING = Paper(Kind.RANKING, IDS, 12, equal=False)
ANSWER = (1, *[0] * 11)
PAPERS = (
    RANKING,
    Paper(Kind.RANKING, IDS, 5),
    Paper(Kind.SINGLE, IDS, 1, most=1),
    Paper(Kind.APPROVAL, IDS, 1),
    Paper(Kind.GRADES, IDS, 6),
    Paper(Kind.POINTS, IDS, 10, most=10, costs=(7,) * 12),
    Paper(Kind.BUDGET, IDS, 1, most=30, costs=tuple(range(3, 15))),
)


def test_a_form_is_read_by_its_own_order() -> None:
    order = order_of((1, 2, 3), b"form key")
    assert sorted(order) == [1, 2, 3]
    paper = Paper(Kind.RANKING, (1, 2, 3), 5, equal=False)
    answer = read_sheet([2, 0, 5], order, paper)  # gaps are closed up
    assert [answer[option - 1] for option in order] == [1, 0, 2]
    assert read_sheet([0, 0, 0], order, paper) == (0, 0, 0)


@pytest.mark.parametrize(
    ("paper", "numbers", "code"),
    [
        (RANKING, [1, 1], "ballot.rank_twice"),
        (RANKING, [13], "ballot.rank_unknown"),
        (PAPERS[2], [1, 1], "ballot.one_only"),
        (PAPERS[2], [2], "ballot.rank_unknown"),
        (PAPERS[4], [7], "ballot.rank_unknown"),
        (PAPERS[5], [6, 5], "ballot.too_many_points"),
        (PAPERS[6], [1, 1, 1, 1, 1, 1], "ballot.too_dear"),  # 3 + … + 8 = 33
    ],
)
def test_what_a_ballot_may_not_say_is_told(paper: Paper, numbers: list[int], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_sheet(numbers + [0] * (12 - len(numbers)), IDS, paper)
    assert refused.value.code == code


def test_limits_are_reached_and_not_passed() -> None:
    assert read_sheet([1, 1, 1, 1, 1] + [0] * 7, IDS, PAPERS[6])  # 3 + … + 7 = 25
    assert read_sheet([9, 1] + [0] * 10, IDS, PAPERS[5])
    assert read_sheet([4, 2, 2] + [0] * 9, IDS, PAPERS[1]) == (2, 1, 1, *[0] * 9)  # equal, and closed up


def test_the_order_follows_from_the_form_and_is_fair() -> None:
    orders = [order_of((1, 2, 3), number.to_bytes(2, "big")) for number in range(600)]
    counts = {order: orders.count(order) for order in orders}
    assert len(counts) == 6
    assert all(60 < count < 150 for count in counts.values())
    assert order_of((3, 2, 1), b"x") == order_of((1, 2, 3), b"x")


@given(st.sampled_from(PAPERS), st.data(), st.binary(min_size=16, max_size=16))
def test_what_was_filled_in_is_what_is_opened(paper: Paper, data: st.DataObject, form_key: bytes) -> None:
    order = order_of(IDS, form_key)
    numbers = data.draw(st.lists(st.integers(0, paper.highest), min_size=12, max_size=12))
    try:
        answer = read_sheet(numbers, order, paper)
    except Invalid:
        return
    plaintext = write(answer)
    ciphertext = seal(plaintext, PUBLIC, VOTE, CARD)
    slot = slot_of(BOX, b"tag")
    sealed = wrap(BOX, ciphertext, VOTE, slot, "web", b"f" * 32)
    assert (len(plaintext), len(sealed)) == (13, 13 + OVERHEAD)  # whatever was chosen
    assert unwrap(BOX, sealed, VOTE, slot, "web", b"f" * 32) == ciphertext
    assert read(unseal(ciphertext, OPENER, VOTE, CARD), paper) == answer
    if paper.kind is not Kind.RANKING:
        assert [answer[option - 1] for option in order] == numbers


def test_a_ballot_sealed_before_there_were_other_kinds_is_still_read() -> None:
    assert read(bytes([1, 3, 1]).ljust(13, b"\0"), RANKING) == (2, 0, 1, *[0] * 9)
    assert read(bytes([1]).ljust(13, b"\0"), RANKING) == (0,) * 12
    assert read(bytes([1, 3, 1]).ljust(13, b"\0"), Paper(Kind.RANKING, (1, 2, 3), 3, equal=False)) == (2, 0, 1)


def test_an_envelope_fits_only_where_it_was_put() -> None:
    ciphertext, slot, form = seal(write(ANSWER), PUBLIC, VOTE, CARD), slot_of(BOX, b"tag"), b"f" * 32
    sealed = wrap(BOX, ciphertext, VOTE, slot, "web", form)
    other_keys = BoxKeys.of(bytes(32), OTHER)
    places = [
        (BOX, sealed, OTHER, slot, "web", form),
        (BOX, sealed, VOTE, slot_of(BOX, b"other"), "web", form),
        (BOX, sealed, VOTE, slot, "desk", form),
        (BOX, sealed, VOTE, slot, "web", b"g" * 32),
        (BOX, sealed, VOTE, slot, "web", b""),
        (other_keys, sealed, VOTE, slot, "web", form),
        (BOX, sealed[:-1], VOTE, slot, "web", form),
        (BOX, b"", VOTE, slot, "web", form),
    ]
    for place in places:
        with pytest.raises(Invalid, match=r"ballot\.damaged"):
            unwrap(*place)


def test_a_ballot_opens_only_for_its_vote_and_its_card() -> None:
    ciphertext = seal(write(ANSWER), PUBLIC, VOTE, CARD)
    wrong = [(ciphertext, OTHER, CARD), (ciphertext, VOTE, "cd" * 32), (ciphertext[:-1], VOTE, CARD), (b"", VOTE, CARD)]
    for each, vote, card in wrong:
        with pytest.raises(Invalid, match=r"ballot\.unreadable"):
            unseal(each, OPENER, vote, card)
    assert seal(write(ANSWER), PUBLIC, VOTE, CARD) != ciphertext  # fresh each time


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        write((1, 1, *[0] * 10)),  # twice
        write((1, 3, *[0] * 10)),  # a gap
        write((1, 2, 3, 4, *[0] * 8)),  # too many
        write(ANSWER[:-1]),
        write(ANSWER) + b"\0",
        b"\x03" + write(ANSWER)[1:],
        bytes([1, 1, 1]).ljust(13, b"\0"),
        bytes([1, 13]).ljust(13, b"\0"),
        bytes([1, 0, 2]).ljust(13, b"\0"),
        bytes([1, 1]).ljust(14, b"\0"),
    ],
)
def test_what_nobody_could_have_filled_in_is_unreadable(plaintext: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        read(plaintext, Paper(Kind.RANKING, IDS, 3, equal=False))
    assert refused.value.code == "ballot.unreadable"


def test_a_receipt_is_checked_by_the_key_on_the_card() -> None:
    receipt = sign_receipt(VOTE, b"sealed", BOX.receipt)
    public = BOX.receipt.public_key().public_bytes_raw()
    check_receipt(receipt, public)
    assert Receipt.from_text(receipt.text()) == receipt
    assert read_code(receipt.code) == receipt.commitment == commitment_of(VOTE, b"sealed")
    assert sign_receipt(VOTE, b"sealed", BOX.receipt) == receipt
    forged = [
        Receipt(OTHER, receipt.commitment, receipt.signature),
        Receipt(VOTE, commitment_of(VOTE, b"another"), receipt.signature),
    ]
    for each in forged:
        with pytest.raises(Invalid, match=r"receipt\.signature_wrong"):
            check_receipt(each, public)
    for text in ("", "a b c d", receipt.text().upper(), receipt.text() + " x"):
        with pytest.raises(Invalid, match=r"receipt\.malformed"):
            Receipt.from_text(text)
    for typed in ("", "12", "zz" * 32, receipt.code + "00"):
        with pytest.raises(Invalid, match=r"receipt\.malformed"):
            read_code(typed)


def test_hashes_of_one_vote_never_fit_another() -> None:
    for hashed in (commitment_of, tag_hash, form_hash_of):
        assert hashed(VOTE, b"same") != hashed(OTHER, b"same")
    assert slot_of(BOX, b"tag") != slot_of(BoxKeys.of(bytes(32), OTHER), b"tag")
