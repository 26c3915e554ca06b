"""Every table of the house, gathered so that Alembic can compare them with the database."""

from sqlmodel import SQLModel

from app.accounts import tables as _accounts  # noqa: F401 - read for the tables they define
from app.accounts.phones import tables as _phones  # noqa: F401
from app.accounts.roll.filling import tables as _filling  # noqa: F401
from app.accounts.screens import tables as _screens  # noqa: F401
from app.accounts.telling import tables as _telling  # noqa: F401
from app.jobs import tables as _jobs  # noqa: F401
from app.letters import tables as _letters  # noqa: F401
from ballots import tables as _ballots  # noqa: F401
from commons.approvals import tables as _approvals  # noqa: F401
from commons.ledger import tables as _ledger  # noqa: F401
from commons.media import tables as _media  # noqa: F401
from commons.moderation import tables as _moderation  # noqa: F401
from commons.organisations import tables as _organisations  # noqa: F401
from commons.services import tables as _services  # noqa: F401
from polls import tables as _polls  # noqa: F401
from results import tables as _results  # noqa: F401

metadata = SQLModel.metadata
