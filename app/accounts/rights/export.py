"""Everything that is kept of one person, as they may take it home: one JSON file, named field by field.

What is not in it is said in it: passwords and codes are kept in forms that cannot be read back, and no ballot leads to
an account. Every field is written out here, so that a new column is in no file before somebody decided that it may be.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.store import count_recovery_codes, find_factor
from app.accounts.passkeys.store import list_passkeys
from app.accounts.phones.messages import open_number
from app.accounts.phones.store import find_phone
from app.accounts.rights.store import (
    find_all_events,
    find_all_grants,
    find_amendments_by,
    find_devices,
    find_measures_by,
    find_roll_versions_by,
    find_sessions,
    find_waiting_loss,
)
from app.accounts.roll.newcomers.store import find_joined
from app.accounts.screens.store import find_kept
from app.accounts.tables import Account
from app.letters.outbox import find_letters_of
from commons.approvals.store import find_about, find_by
from commons.clock import now

FORMAT = "khma-my-data-1"
ONE_NAME = {"address_known": "address_new"}
"""One name for both answers to a wish for a new address: else the file would tell who else has an account."""
NOT_IN_HERE = [
    "Your password and your recovery codes: only a form is kept that cannot be read back.",
    "The secret of your app: it is kept under seal, and would let its reader pass for you.",
    "The public keys of your passkeys: they open nothing, and what does never left your device.",
    "The texts of letters: they are erased when a letter is sent; one that waits may hold a link that opens a door.",
    "Ballots: none leads to an account, so nobody can find yours, and we cannot either.",
    "Lists of people who may vote: they are the organisation's own. Of votes open to all: that you asked to take part.",
]


async def gather(session: AsyncSession, secret: str, account: Account) -> dict[str, Any]:
    """Gather what is kept of somebody, ready for JSON. Some ten queries, however much there is.

    secret: the house's, under which a telephone number is sealed.
    """
    factor, loss = await find_factor(session, account.id), await find_waiting_loss(session, account.id)
    phone, screen = await find_phone(session, account.id), await find_kept(session, account.id)
    return {
        "format": FORMAT,
        "made_at": _at(await now(session)),
        "account": {
            "id": str(account.id),
            "email": account.email,
            "name": account.name,
            "created_at": _at(account.created_at),
            "language_of_letters": account.language,
        },
        "telephone": None
        if phone is None
        else {"number": open_number(secret, account.id, phone.sealed), "added_at": _at(phone.added_at)},
        "second_factor": None
        if factor is None
        else {
            "added_at": _at(factor.added_at),
            "recovery_codes_left": await count_recovery_codes(session, account.id),
            "forgotten_at": _at(loss.due_at) if loss else None,
        },
        "passkeys": [
            {"name": each.name, "added_at": _at(each.added_at)} for each in await list_passkeys(session, account.id)
        ],
        "roles": [
            {"role": each.role, "unit": each.unit, "granted_at": _at(each.granted_at), "ended_at": _at(each.ended_at)}
            for each in await find_all_grants(session, account.id)
        ],
        "signed_in": [
            {
                "browser": each.browser,
                "created_at": _at(each.created_at),
                "last_used_at": _at(each.seen_at),
                "ends_at": _at(each.expires_at),
                "second_factor_shown_at": _at(each.proved_at),
            }
            for each in await find_sessions(session, account.id)
        ],
        "second_screen_at_the_counter": None
        if screen is None
        else {"joined": screen.public is not None, "ends_at": _at(screen.ends_at)},
        "browsers_known": [{"last_seen_at": _at(each.seen_at)} for each in await find_devices(session, account.id)],
        "security_log": [
            {
                "at": _at(each.happened_at),
                "event": each.event,
                "browser": each.browser,
                "about": each.about,
                "by_you": each.who == account.id,
                "about_you": each.whom == account.id,
            }
            for each in await find_all_events(session, account.id)
        ],
        "letters": [
            {
                "kind": ONE_NAME.get(each.kind, each.kind),
                "address": each.address,
                "language": each.language,
                "state": each.fate,
                "written_at": _at(each.written_at),
                "sent_at": _at(each.sent_at),
            }
            for each in await find_letters_of(session, account.id, account.email or "")
        ],
        "asked_about_you": [
            {
                "what": each.action,
                "role": _role_of(each.subject),
                "reason": each.reason,
                "asked_at": _at(each.asked_at),
                "decision": each.decision,
                "decided_at": _at(each.decided_at),
            }
            for each in await find_about(session, f"people/{account.id}/")
        ],
        "votes_open_to_all": await find_joined(session, account.id),
        "done_in_office": await _done_in_office(session, account),
        "not_in_this_file": NOT_IN_HERE,
    }


async def _done_in_office(session: AsyncSession, account: Account) -> list[dict[str, Any]]:
    """List what somebody asked for or decided as an official; who else it was about is left out."""
    done: list[dict[str, Any]] = []
    for request in await find_by(session, account.id):
        what = {"what": request.action, "subject": _nobody_else(request.subject)}
        if request.asked_by == account.id:
            done.append(what | {"did": "asked", "reason": request.reason, "at": _at(request.asked_at)})
        if request.decided_by == account.id:
            done.append(what | {"did": str(request.decision), "at": _at(request.decided_at)})
    for change, slug in await find_amendments_by(session, account.id):
        what = {"what": f"vote.{change.kind}", "subject": f"votes/{slug}"}
        if change.asked_by == account.id:
            done.append(what | {"did": "asked", "reason": change.reason, "at": _at(change.asked_at)})
        if change.agreed_by == account.id:
            done.append(what | {"did": "approved", "at": _at(change.agreed_at)})
        if change.refused_by == account.id:
            done.append(what | {"did": "refused", "at": _at(change.refused_at)})
    for measure in await find_measures_by(session, account.id):
        what = {"what": f"moderation.{measure.rule}", "subject": measure.subject}
        if measure.taken_by == account.id:
            done.append(what | {"did": "hidden", "reason": measure.reason, "at": _at(measure.taken_at)})
        if measure.lifted_by == account.id:
            done.append(what | {"did": "shown", "reason": measure.lifted_because, "at": _at(measure.lifted_at)})
    for version in await find_roll_versions_by(session, account.id):
        subject = f"rolls/{version.roll_id}/{version.number}"
        done.append({"what": "roll.import", "subject": subject, "did": "imported", "at": _at(version.made_at)})
    return sorted(done, key=_when)


def _when(act: Mapping[str, Any]) -> str:
    return str(act["at"])


def _nobody_else(subject: str) -> str:
    """Leave out whose role a request was about: that is theirs."""
    return f"people/…/{_role_of(subject)}" if subject.startswith("people/") else subject


def _role_of(subject: str) -> str:
    """Read the role, and the part of the organisation, off the address of a request about a person."""
    return subject.split("/", 2)[2].strip("/")


def _at(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
