"""Pure parts of a ballot: what it says, how it is sealed, what its receipt promises; all of one length."""

from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ballots.answers import PLAINTEXT_BYTES, order_of, read, read_sheet, write
from ballots.receipts import Receipt, check_receipt, commitment_of, form_hash_of, read_code, sign_receipt, tag_hash
from ballots.sealing import CIPHERTEXT_BYTES, ENVELOPE_BYTES, BoxKeys, seal, slot_of, unseal, unwrap, wrap
from commons.errors import Invalid

VOTE, OTHER = UUID(int=1), UUID(int=2)
BOX = BoxKeys.of(bytes(32), VOTE)
OPENER = X25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = OPENER.public_key().public_bytes_raw()
CARD = "ab" * 32
IDS = tuple(range(1, 13))

rankings = st.lists(st.sampled_from(IDS), unique=True, max_size=12).map(tuple)


def test_a_form_is_read_by_its_own_order() -> None:
    order = order_of((1, 2, 3), b"form key")
    assert sorted(order) == [1, 2, 3]
    assert read_sheet([2, 0, 5], order, 5) == (order[0], order[2])  # gaps are closed up
    assert read_sheet([0, 0, 0], order, 5) == ()


def test_the_order_follows_from_the_form_and_is_fair() -> None:
    orders = [order_of((1, 2, 3), number.to_bytes(2, "big")) for number in range(600)]
    counts = {order: orders.count(order) for order in orders}
    assert len(counts) == 6
    assert all(60 < count < 150 for count in counts.values())
    assert order_of((3, 2, 1), b"x") == order_of((1, 2, 3), b"x")


@given(rankings, st.binary(min_size=16, max_size=16))
def test_what_was_filled_in_is_what_is_opened(ranking: tuple[int, ...], form_key: bytes) -> None:
    order = order_of(IDS, form_key)
    ranks = [ranking.index(option) + 1 if option in ranking else 0 for option in order]
    plaintext = write(read_sheet(ranks, order, 12))
    ciphertext = seal(plaintext, PUBLIC, VOTE, CARD)
    slot = slot_of(BOX, b"tag")
    sealed = wrap(BOX, ciphertext, VOTE, slot, "web", b"f" * 32)
    assert (len(plaintext), len(ciphertext), len(sealed)) == (PLAINTEXT_BYTES, CIPHERTEXT_BYTES, ENVELOPE_BYTES)
    assert unwrap(BOX, sealed, VOTE, slot, "web", b"f" * 32) == ciphertext
    assert read(unseal(ciphertext, OPENER, VOTE, CARD), IDS, 12) == ranking


def test_an_envelope_fits_only_where_it_was_put() -> None:
    ciphertext, slot, form = seal(write((1,)), PUBLIC, VOTE, CARD), slot_of(BOX, b"tag"), b"f" * 32
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
    ciphertext = seal(write((1,)), PUBLIC, VOTE, CARD)
    wrong = [(ciphertext, OTHER, CARD), (ciphertext, VOTE, "cd" * 32), (ciphertext[:-1], VOTE, CARD), (b"", VOTE, CARD)]
    for each, vote, card in wrong:
        with pytest.raises(Invalid, match=r"ballot\.unreadable"):
            unseal(each, OPENER, vote, card)
    assert seal(write((1,)), PUBLIC, VOTE, CARD) != ciphertext  # fresh each time
    with pytest.raises(ValueError, match="13 bytes"):
        seal(b"short", PUBLIC, VOTE, CARD)


@pytest.mark.parametrize(
    ("plaintext", "code"),
    [
        (write((1, 1)), "ballot.option_twice"),
        (write((1, 13)), "ballot.option_unknown"),
        (write((1, 2, 3, 4)), "ballot.too_many"),
        (b"\x02" + write((1,))[1:], "ballot.unreadable"),
        (bytes([1, 0, 2]).ljust(13, b"\0"), "ballot.option_unknown"),
        (write((1,)) + b"\0", "ballot.unreadable"),
        (b"", "ballot.unreadable"),
    ],
)
def test_what_nobody_could_have_filled_in_is_unreadable(plaintext: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(plaintext, IDS, 3)
    assert refused.value.code == code


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
