"""Settings: read from the environment, and each unsafe one refused by its name."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.config import Config, check, load
from tests.conftest import Addresses
from tests.plumbing.server import ROOT, SECRET

SAFE = Config(
    database_url="sqlite:////srv/khma/khma.sqlite3",
    base_url="https://town.example",
    secret=SECRET,
    smtp_url="smtp://mail.example",
    keys=Path("/nonexistent/keys"),
)

PROVIDER = {"oidc_issuer": "https://id.town.example", "oidc_client_id": "khma", "oidc_client_secret": "CANARY"}


def named(config: Config) -> set[str]:
    return {name for name, _ in check(config)}


GATEWAY = {"sms_number": "+995322000000", "sms_secret": SECRET}


def test_safe_settings_are_accepted() -> None:
    assert named(SAFE) == set()
    assert named(replace(SAFE, base_url="http://127.0.0.1:8000", demonstration=True)) == set()
    assert named(replace(SAFE, base_url="http://[::1]:8000")) == set()
    assert named(replace(SAFE, trusted_proxy="10.0.0.2")) == set()
    assert named(replace(SAFE, **PROVIDER)) == set()
    assert named(replace(SAFE, **GATEWAY)) == set()
    assert named(replace(SAFE, **PROVIDER | {"oidc_issuer": "https://id.town.example/realms/town"})) == set()
    trial = replace(SAFE, base_url="http://127.0.0.1:8000", **PROVIDER | {"oidc_issuer": "http://127.0.0.1:9400"})
    assert named(trial) == set()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://khma_app:p%40ss@127.0.0.1/khma",
        "postgresql://khma_app@localhost:5433/khma",
        "postgresql://khma_app@[::1]/khma",
        "postgresql://khma_app@/khma?host=/run/postgresql",
        "postgresql:///khma",
        "postgresql://khma_app@db.town.example/khma?sslmode=verify-full&sslrootcert=/etc/khma/ca.pem",
    ],
)
def test_a_database_here_or_under_checked_encryption_is_accepted(url: str) -> None:
    assert named(replace(SAFE, database_url=url, owner_database_url=url)) == set()


@pytest.mark.parametrize("variable", ["PGHOST", "PGHOSTADDR", "PGSERVICE"])
def test_a_host_that_the_environment_names_counts(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    config = replace(SAFE, database_url="postgresql:///khma")
    monkeypatch.setenv(variable, "db.town.example")
    assert named(config) == {"KHMA_DATABASE_URL"}
    monkeypatch.setenv(variable, "")
    assert named(config) == set()


def test_a_network_that_is_trusted_needs_no_encryption() -> None:
    elsewhere = replace(SAFE, database_url="postgresql://khma_app@10.0.0.2/khma")
    assert named(elsewhere) == {"KHMA_DATABASE_URL"}
    assert named(replace(elsewhere, trusted_network=True)) == set()
    assert load({"KHMA_TRUSTED_NETWORK": "1"}).trusted_network
    assert not load({"KHMA_TRUSTED_NETWORK": "yes"}).trusted_network


def test_half_a_provider_is_none() -> None:
    alone = {"KHMA_OIDC_ISSUER", "KHMA_OIDC_CLIENT_ID", "KHMA_OIDC_CLIENT_SECRET"}
    assert named(replace(SAFE, oidc_identifier_claim="national_id")) == alone
    assert named(replace(SAFE, oidc_name="Town ID")) == alone


@pytest.mark.parametrize(
    ("setting", "value", "name"),
    [
        ("base_url", "http://town.example", "KHMA_BASE_URL"),
        ("base_url", "http://10.0.0.2:8000", "KHMA_BASE_URL"),
        ("base_url", "town.example", "KHMA_BASE_URL"),
        ("base_url", "ftp://town.example", "KHMA_BASE_URL"),
        ("base_url", "https://", "KHMA_BASE_URL"),
        ("base_url", "http://127.0.0.1.evil.example", "KHMA_BASE_URL"),
        ("base_url", "https://town.example/khma", "KHMA_BASE_URL"),
        ("base_url", "https://Town.Example", "KHMA_BASE_URL"),
        ("base_url", "https://town.example:443", "KHMA_BASE_URL"),
        ("base_url", "https://user@town.example", "KHMA_BASE_URL"),
        ("secret", "", "KHMA_SECRET"),
        ("secret", "x" * 31, "KHMA_SECRET"),
        ("secret", "x" * 64, "KHMA_SECRET"),
        ("secret", "abc" * 20, "KHMA_SECRET"),
        ("database_url", "mysql://town.example/khma", "KHMA_DATABASE_URL"),
        ("database_url", "", "KHMA_DATABASE_URL"),
        ("database_url", "postgresql://khma_app:p@db.town.example/khma", "KHMA_DATABASE_URL"),
        ("database_url", "postgresql://khma_app@10.0.0.2/khma?sslmode=require", "KHMA_DATABASE_URL"),
        ("database_url", "postgresql://khma_app@db/khma?sslmode=verify-full&sslmode=disable", "KHMA_DATABASE_URL"),
        ("database_url", "postgresql://127.0.0.1.evil.example/khma", "KHMA_DATABASE_URL"),
        ("database_url", "postgresql://127.0.0.1/khma?host=db.town.example", "KHMA_DATABASE_URL"),
        ("database_url", "postgresql://khma_app@/khma?host=localhost:5432&host=db:5432", "KHMA_DATABASE_URL"),
        ("database_url", "postgresql://localhost/khma?hostaddr=10.0.0.2", "KHMA_DATABASE_URL"),
        ("database_url", "postgresql:///khma?service=elsewhere", "KHMA_DATABASE_URL"),
        ("database_url", "postgresql://[db/khma", "KHMA_DATABASE_URL"),
        ("owner_database_url", "postgresql://khma_owner@db.town.example/khma", "KHMA_OWNER_DATABASE_URL"),
        ("trusted_proxy", "everybody", "KHMA_TRUSTED_PROXY"),
        ("trusted_proxy", "10.0.0.0/8", "KHMA_TRUSTED_PROXY"),
        ("demonstration", True, "KHMA_DEMONSTRATION"),
        ("smtp_url", "", "KHMA_SMTP_URL"),
        ("oidc_client_id", "", "KHMA_OIDC_CLIENT_ID"),
        ("oidc_client_secret", "", "KHMA_OIDC_CLIENT_SECRET"),
        ("oidc_issuer", "", "KHMA_OIDC_ISSUER"),
        ("oidc_issuer", "http://id.town.example", "KHMA_OIDC_ISSUER"),
        ("oidc_issuer", "http://127.0.0.1:9400", "KHMA_OIDC_ISSUER"),  # where people come over https, it is no trial
        ("oidc_issuer", "id.town.example", "KHMA_OIDC_ISSUER"),
        ("oidc_issuer", "https://", "KHMA_OIDC_ISSUER"),
        ("oidc_issuer", "https://[id", "KHMA_OIDC_ISSUER"),
        ("oidc_issuer", "https://me@id.town.example", "KHMA_OIDC_ISSUER"),
        ("oidc_issuer", "https://id.town.example?a=b", "KHMA_OIDC_ISSUER"),
        ("oidc_scope", "email profile", "KHMA_OIDC_SCOPE"),
        ("sms_number", "", "KHMA_SMS_NUMBER"),
        ("sms_number", "995322000000", "KHMA_SMS_NUMBER"),
        ("sms_number", "+995 322 000", "KHMA_SMS_NUMBER"),
        ("sms_secret", "", "KHMA_SMS_SECRET"),
        ("sms_secret", "a short one", "KHMA_SMS_SECRET"),
    ],
)
def test_each_unsafe_setting_is_named(setting: str, value: str | bool, name: str) -> None:
    safe = replace(SAFE, **PROVIDER) if setting.startswith("oidc_") else SAFE
    safe = replace(SAFE, **GATEWAY) if setting.startswith("sms_") else safe
    assert named(replace(safe, **{setting: value})) == {name}  # type: ignore[arg-type]


def test_keys_that_others_can_read_are_named(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    assert named(replace(SAFE, keys=keys)) == set()
    for mode in (0o750, 0o704, 0o777):
        keys.chmod(mode)
        assert named(replace(SAFE, keys=keys)) == {"KHMA_KEYS"}


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n", "utf-8")
    config = load(
        {
            "KHMA_DATA": str(tmp_path),
            "KHMA_BASE_URL": "https://town.example/",
            "KHMA_SECRET_FILE": str(tmp_path / "secret"),
            "KHMA_DEMONSTRATION": "0",
            "KHMA_SMS_NUMBER": "+995322000000",
            "KHMA_SMS_SECRET_FILE": str(tmp_path / "secret"),
            "KHMA_OIDC_ISSUER": "https://id.town.example",
            "KHMA_OIDC_CLIENT_SECRET_FILE": str(tmp_path / "secret"),
        }
    )
    assert config.database_url == f"sqlite:///{tmp_path}/khma.sqlite3"
    assert (config.base_url, config.origin) == ("https://town.example", "https://town.example")
    assert (config.secret, config.keys, config.demonstration) == (SECRET, tmp_path / "keys", False)
    assert (config.cookie_name, config.secure, config.embedded) == ("__Host-khma", True, True)
    assert (config.oidc_client_secret, config.oidc_name) == (SECRET, "id.town.example")
    assert (config.sms_number, config.sms_secret) == ("+995322000000", SECRET)
    assert config.oidc_scope == "openid email profile"
    assert load({}).cookie_name == "khma"


def test_a_secret_may_be_a_credential_that_systemd_hands_over(tmp_path: Path) -> None:
    for folder, text in (("credentials", SECRET), ("elsewhere", "another")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "secret").write_text(f"{text}\n", "utf-8")
    handed = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials"), "KHMA_SECRET_FILE": "secret"}
    assert load(handed).secret == SECRET
    assert load(handed | {"KHMA_SECRET_FILE": str(tmp_path / "elsewhere" / "secret")}).secret == "another"
    with pytest.raises(FileNotFoundError):  # a name alone is looked for nowhere else
        load({**handed, "KHMA_SECRET_FILE": "sms", "CREDENTIALS_DIRECTORY": str(tmp_path / "elsewhere")})


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    config = replace(
        SAFE, smtp_url="smtp://u:CANARY@mail.example", metrics_token="CANARY", sms_secret="CANARY", **PROVIDER
    )
    assert SECRET not in repr(config)
    assert "CANARY" not in repr(config)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"KHMA_SECRET": "short"}, "KHMA_SECRET"),
        ({"KHMA_BASE_URL": "http://town.example"}, "KHMA_BASE_URL"),
        ({"KHMA_OIDC_ISSUER": "https://id.town.example", "KHMA_OIDC_CLIENT_ID": "khma"}, "KHMA_OIDC_CLIENT_SECRET"),
    ],
)
def test_serve_refuses_and_says_which(sqlite_addresses: Addresses, settings: dict[str, str], name: str) -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("KHMA_")}
    given = {"KHMA_DATABASE_URL": sqlite_addresses.url, "KHMA_SECRET": SECRET} | settings
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "serve", "--port", "1"],
        env=clean | given, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"khma: {name} ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
