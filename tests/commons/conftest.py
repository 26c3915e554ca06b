"""A database of each kind with the tables that the modules under test have named, without any migration."""

from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from app.db import driver_url
from tests.plumbing.postgres import APP, Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def addresses(request: pytest.FixtureRequest, tmp_path: Path) -> SimpleNamespace:
    """Make a fresh database; the shared fixture `db` opens it as the product does."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'commons.sqlite3'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        name = f"commons_{uuid4().hex}"
        server.run(f"CREATE DATABASE {name} OWNER {APP}")
        url = server.url(name, APP)
    engine = sa.create_engine(driver_url(url, asynchronous=False))
    SQLModel.metadata.create_all(engine)
    engine.dispose()
    return SimpleNamespace(url=url, owner_url=url)
