"""Erase an account: all that leads to a person goes; what is counted or was done in office stays, and leads to nobody.

Which column of which table does which stands in `KEPT_AS` and in docs/privacy-record.md; a test reads all tables.
"""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.rights.store import delete_account
from app.accounts.roles.granting import give_up_roles
from app.accounts.store import get_account
from app.accounts.tables import Event
from app.letters.outbox import erase_letters_of

GOES = "goes with the account"
ID_STAYS = "stays, as an id that leads to nobody"

KEPT_AS = {
    "app_session.account_id": GOES,
    "app_identity.account_id": GOES,
    "app_device.account_id": GOES,
    "app_factor.account_id": GOES,
    "app_factor_loss.account_id": GOES,
    "app_passkey.account_id": GOES,
    "app_recovery_code.account_id": GOES,
    "app_phone.account_id": GOES,
    "app_phone_code.account_id": GOES,
    "app_grant.account_id": GOES,
    "app_screen.account_id": GOES,
    "app_letter.account_id": GOES,
    "app_roll_line.account_id": GOES,
    "app_grant.asked_by": ID_STAYS,
    "app_grant.approved_by": ID_STAYS,
    "app_security_event.who": ID_STAYS,
    "app_security_event.whom": ID_STAYS,
    "app_roll_version.made_by": ID_STAYS,
    "app_roll_import.asked_by": ID_STAYS,
    "app_print_run.asked_by": ID_STAYS,
    "commons_approval.asked_by": ID_STAYS,
    "commons_approval.decided_by": ID_STAYS,
    "commons_measure.taken_by": ID_STAYS,
    "commons_measure.lifted_by": ID_STAYS,
    "polls_poll.locked_by": ID_STAYS,
    "polls_poll.agreed_by": ID_STAYS,
    "polls_amendment.asked_by": ID_STAYS,
    "polls_amendment.agreed_by": ID_STAYS,
    "polls_amendment.refused_by": ID_STAYS,
}
"""Every column that names an account, and what erasing it does to the row."""


async def erase(session: AsyncSession, account_id: UUID, browser: str) -> None:
    """Erase somebody's account, in one transaction.

    Raises: NotFound; Conflict "role.last_admin", for then nobody could give anybody a role.
    """
    await give_up_roles(session, account_id)
    account = await get_account(session, account_id)
    await erase_letters_of(session, account.id, account.email or "")
    await delete_account(session, account)
    await note(session, Event.ACCOUNT_ERASED, who=account_id, browser=browser)
