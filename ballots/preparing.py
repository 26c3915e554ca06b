"""From a draft to an open vote: keys are made, the card is frozen, custodians prove their copies, the roll is fixed."""

from collections.abc import Iterable
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from sqlmodel.ext.asyncio.session import AsyncSession

from ballots.keys import Keys, check_destroyed
from ballots.receipts import tag_hash
from ballots.store import find_custodians, find_custody, find_lists, put_list
from ballots.tables import Box, Custodian, Custody
from commons.clock import now
from commons.errors import Conflict, Forbidden, Invalid, NotFound
from commons.ledger.sequence import append
from commons.organisations.tables import Organisation
from commons.tables import Texts
from polls.drafting import card_of
from polls.lifecycle import State, check_change
from polls.store import hold_poll
from polls.tables import Poll

CUSTODIANS = 2


async def register_custodian(session: AsyncSession, organisation_id: UUID, functions: Texts, public: bytes) -> UUID:
    """Register somebody who keeps sealed copies of vote keys.

    functions: what they are called, by language: a function such as "City archive", no person's name.
    public:    64 bytes, from `keys.new_custodian`.
    Raises:    Invalid "custody.key_malformed" or "text.missing".
    """
    if len(public) != 64:
        raise Invalid("custody.key_malformed", field="public")
    if not any(functions.values()):
        raise Invalid("text.missing", field="function")
    custodian = Custodian(organisation_id=organisation_id, functions=functions, public=public)
    session.add(custodian)
    await session.flush()
    return custodian.id


async def lock(session: AsyncSession, keys: Keys, poll_id: UUID, *, by: UUID, opener: str, sealing_key: bytes) -> Poll:
    """Freeze a vote: make its keys, write the custodians' copies, put the card's hash into the ledger.

    by:                  who asks, with it, that the vote opens; in a body with one officer nobody else need agree.
    opener, sealing_key: who can open the box, and the public key (32 bytes) that ballots are sealed to;
                         `keys.make_opener` gives one for a demonstration.
    Raises:  NotFound; Conflict "poll.change" or "poll.too_late"; Invalid "poll.custodians" without two of them,
             "roll.missing", "poll.sealing_key".
    """
    poll = await hold_poll(session, poll_id)
    check_change(poll.state, State.LOCKED)
    if poll.closes_at <= await now(session):
        raise Conflict("poll.too_late")
    if poll.roll_id is None:  # after locking nobody can choose one any more
        raise Invalid("roll.missing", field="roll")
    try:
        X25519PublicKey.from_public_bytes(sealing_key)
    except ValueError as reason:
        raise Invalid("poll.sealing_key") from reason
    custodians = await find_custodians(session, poll.organisation_id)
    if len({each.public for each in custodians}) < CUSTODIANS:
        raise Invalid("poll.custodians", expected=CUSTODIANS, found=len(custodians))
    keys.make(poll.id)
    for custodian in custodians:
        keys.give(poll.id, custodian.id, custodian.public)
        session.add(Custody(poll_id=poll.id, custodian_id=custodian.id))
    if (organiser := await session.get(Organisation, poll.organisation_id)) is None:
        raise NotFound("organisation.none")
    poll.sealing_key = sealing_key
    poll.receipt_key = keys.box(poll.id).receipt.public_key().public_bytes_raw()
    card = card_of(poll, organiser, opener, poll.sealing_key, poll.receipt_key)
    poll.card, poll.card_hash, poll.state = card.as_json(), card.hash(), State.LOCKED
    poll.locked_by, poll.agreed_by = by, by if poll.single_handed else None
    session.add(poll)
    await append(session, "poll.locked", {"card": poll.card_hash}, subject=poll.subject)
    return poll


async def agree_to_open(session: AsyncSession, poll_id: UUID, agreed_by: UUID) -> Poll:
    """Agree, as a second person, that a locked vote opens at its time.

    Raises: NotFound; Conflict "poll.change" for one that is not locked, "approval.decided"; Forbidden
            "approval.same_person" for whoever locked it.
    """
    poll = await hold_poll(session, poll_id)
    _check_locked(poll)
    if poll.agreed_by is not None:
        raise Conflict("approval.decided")
    if poll.locked_by == agreed_by:
        raise Forbidden("approval.same_person")
    poll.agreed_by = agreed_by
    session.add(poll)
    await session.flush()
    return poll


async def accept_proof(session: AsyncSession, keys: Keys, poll_id: UUID, custodian_id: UUID, proof: bytes) -> None:
    """Note that a custodian opened both copies (`keys.prove`).

    Raises: NotFound "custody.unknown"; Invalid "custody.proof_wrong"; Conflict "keys.gone".
    """
    custody, custodian = await _get_custody(session, poll_id, custodian_id)
    keys.check_proof(poll_id, custodian.public, proof)
    custody.proved_at = await now(session)
    session.add(custody)
    await session.flush()


async def start(session: AsyncSession, keys: Keys, poll_id: UUID, roll_lines: Iterable[bytes]) -> Poll:
    """Open a locked vote: freeze the roll and begin to accept ballots.

    roll_lines: the fixed bytes of every line of the roll, such as the 16 bytes of its id; none for a vote open to all,
                whose list grows and is fixed at closing (`fix_roll`).
    Raises:     NotFound; Conflict "poll.change", "poll.not_agreed", "poll.too_early", "poll.too_late" or
                "custody.unproved"; Invalid "roll.empty" or "roll.line_twice".
    Cost:       O(lines log lines): 100,000 lines take under a second.
    """
    poll = await hold_poll(session, poll_id)
    _check_locked(poll)
    if poll.agreed_by is None:
        raise Conflict("poll.not_agreed")
    moment = await now(session)
    if moment < poll.planned_opens_at:
        raise Conflict("poll.too_early")
    if moment >= poll.closes_at:
        raise Conflict("poll.too_late")
    proved = [custody for custody, _ in await find_custody(session, poll_id) if custody.proved_at]
    if len(proved) < CUSTODIANS:
        raise Conflict("custody.unproved", expected=CUSTODIANS, found=len(proved))
    if poll.open_to_all:
        await append(session, "roll.open", {"card": poll.card_hash}, subject=poll.subject)
    elif not await _put_roll(session, keys, poll, roll_lines):
        raise Invalid("roll.empty")
    session.add(Box(poll_id=poll_id))
    poll.state, poll.opened_at = State.OPEN, moment
    session.add(poll)
    await append(session, "poll.opened", {"card": poll.card_hash}, subject=poll.subject)
    return poll


async def fix_roll(session: AsyncSession, keys: Keys, poll_id: UUID, roll_lines: Iterable[bytes]) -> None:
    """Fix the list of a vote open to all, once: when its casting has ended, and before its box is looked into.

    roll_lines: as for `start`: of everybody who asked to take part.
    Raises:     NotFound; Conflict "keys.gone"; Invalid "roll.line_twice".
    """
    poll = await hold_poll(session, poll_id)
    if poll.open_to_all and poll.state is State.CLOSING and not await find_lists(session, poll_id, ["roll"]):
        await _put_roll(session, keys, poll, roll_lines)


async def _put_roll(session: AsyncSession, keys: Keys, poll: Poll, roll_lines: Iterable[bytes]) -> int:
    """Put the sorted list of hashed tags on record, and its root into the ledger. Returns how long it is."""
    tags = keys.tags(poll.id, roll_lines)
    if len(set(tags)) < len(tags):
        raise Invalid("roll.line_twice")
    roll = await put_list(session, poll.id, "roll", (tag_hash(poll.id, tag) for tag in tags))
    await append(session, "roll.root", {"root": roll.root.hex(), "size": roll.size}, subject=poll.subject)
    return roll.size


def _check_locked(poll: Poll) -> None:
    check_change(poll.state, State.OPEN)
    if poll.state is not State.LOCKED:
        raise Conflict("poll.change", found=poll.state.value, wanted=State.OPEN.value)


async def accept_destruction(session: AsyncSession, poll_id: UUID, custodian_id: UUID, signature: bytes) -> None:
    """Note a custodian's signed line that no copy of the box key is left (`keys.confirm_destroyed`).

    Raises: NotFound "custody.unknown"; Invalid "custody.signature_wrong"; Conflict "custody.too_early" before closing.
    """
    poll = await hold_poll(session, poll_id)
    custody, custodian = await _get_custody(session, poll_id, custodian_id)
    if poll.state not in {State.CLOSED, State.PUBLISHED, State.ANNULLED}:
        raise Conflict("custody.too_early")
    check_destroyed(poll_id, custodian.public, signature)
    if custody.destroyed_at is None:
        custody.destroyed_at, custody.signature = await now(session), signature
        session.add(custody)
        await append(
            session, "box.key_destroyed", {"by": "custodian", "signature": signature.hex()}, subject=poll.subject
        )


async def count_unconfirmed(session: AsyncSession, poll_id: UUID) -> int:
    """Count the custodians who have not confirmed yet that no copy of the box key is left; every page says it."""
    return len([custody for custody, _ in await find_custody(session, poll_id) if custody.destroyed_at is None])


async def _get_custody(session: AsyncSession, poll_id: UUID, custodian_id: UUID) -> tuple[Custody, Custodian]:
    for custody, custodian in await find_custody(session, poll_id):
        if custody.custodian_id == custodian_id:
            return custody, custodian
    raise NotFound("custody.unknown")
