"""What tests of the app ask for: a running town on either database, one behind https, and a foreign alphabet."""

import pytest

from app.db import upgrade
from tests.plumbing.house import one_town, places, secure_town, town
from tests.plumbing.postgres import APP, OWNER, Postgres

__all__ = ["one_town", "places", "secure_town", "town"]


@pytest.fixture(scope="session")
def alphabet(postgres: Postgres) -> str:
    """Make a template with another country's alphabet: capitals do not come before all small letters."""
    name = "khma_alphabet"
    postgres.run(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
    upgrade(postgres.url(name, OWNER), APP)
    return name
