"""Every table of the house, gathered so that Alembic can compare them with the database."""

from sqlmodel import SQLModel

import results.tables  # noqa: F401

metadata = SQLModel.metadata
