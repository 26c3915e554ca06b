"""Settings: read once from the environment, checked by name, never guessed at run time.

Every setting is listed by `khma config check` and explained in docs/operating.md.
"""

import ipaddress
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = {"en": "English", "fr": "Français", "ka": "ქართული", "ar": "العربية"}
RIGHT_TO_LEFT = frozenset({"ar"})
SHORTEST_SECRET = 32
OIDC_SCOPE = "openid email profile"
_LIBPQ = {"host": "PGHOST", "hostaddr": "PGHOSTADDR", "service": "PGSERVICE"}


@dataclass(frozen=True)
class Config:
    """What an installation decides for itself.

    database_url:       SQLAlchemy address the house works with: `sqlite:///…` or `postgresql://…` (the app role).
    owner_database_url: the same database as its owner, for migrations only; empty means the same address.
    base_url:           the address people type; links in letters begin with it, never with a request's Host.
    secret:             ≥ 32 characters; signs form tokens and letter links. Never in the database or its backups.
    data:               folder for the embedded database, the counters of failed tries, and backups.
    keys:               folder for signing keys and the keys of votes; outside every backup.
    backups:            folder on another disk: closed ballot boxes are copied there before their envelopes are deleted.
    smtp_url:           `smtp://user:password@host:port` (STARTTLS when offered) or `smtps://…`; empty prints letters.
    trusted_proxy:      address of the proxy whose last X-Forwarded-For hop is believed; empty believes none.
    trusted_network:    database and mail server elsewhere may be reached without encryption.
    metrics_token:      bearer token for /metrics from beyond this machine; empty allows loopback only.
    demonstration:      this is a show: secrets may be weak and every page says so.
    oidc_issuer:        address of a provider of sign-ins (OpenID Connect), spelled as it spells itself; empty: none.
    oidc_client_id, oidc_client_secret: by which the provider knows this installation.
    oidc_name:          what people call the provider; stands on the button.
    oidc_scope:         what the provider is asked to tell.
    oidc_identifier_claim: under which name it tells a person's official number; empty: it tells none.
    sms_number:         the organisation's number, to which people send a code from their telephone; empty: none.
    sms_secret:         by which the gateway that passes these messages on signs them. Nothing is ever sent by SMS.
    """

    database_url: str
    owner_database_url: str = ""
    base_url: str = "http://127.0.0.1:8000"
    secret: str = field(default="", repr=False)
    data: Path = ROOT / "var"
    keys: Path = ROOT / "var" / "keys"
    backups: Path | None = None
    smtp_url: str = field(default="", repr=False)
    mail_from: str = "khma@localhost"
    trusted_proxy: str = ""
    trusted_network: bool = False
    metrics_token: str = field(default="", repr=False)
    demonstration: bool = False
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    oidc_name: str = ""
    oidc_scope: str = OIDC_SCOPE
    oidc_identifier_claim: str = ""
    sms_number: str = ""
    sms_secret: str = field(default="", repr=False)

    @property
    def secure(self) -> bool:
        """True when people reach this installation over https."""
        return urlsplit(self.base_url).scheme == "https"

    @property
    def origin(self) -> str:
        """Scheme, host and port of the base address, as a browser's Origin header names it."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def host(self) -> str:
        """The name of the machine in the base address; a passkey is bound to it for as long as it lives."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def embedded(self) -> bool:
        """True when the database is a SQLite file."""
        return self.database_url.startswith("sqlite")

    @property
    def box_folders(self) -> list[Path]:
        """Where the files of closed boxes lie: beside the data, and where backups go."""
        return [self.data / "boxes", *([self.backups / "boxes"] if self.backups else [])]

    @property
    def cookie_name(self) -> str:
        """`__Host-khma` where the browser can enforce it, `khma` on an unprotected demonstration."""
        return "__Host-khma" if self.secure else "khma"

    @property
    def booth_cookie_name(self) -> str:
        """The cookie that holds a booth pass, beside the other one (docs/adr/0012)."""
        return f"{self.cookie_name}-booth"

    @property
    def screen_cookie_name(self) -> str:
        """The cookie of a browser that is the second screen of a counter (docs/adr/0026)."""
        return f"{self.cookie_name}-screen"

    @property
    def halfway_cookie_name(self) -> str:
        """The cookie of somebody whose password was right and whose code is still to come."""
        return f"{self.cookie_name}-halfway"

    @property
    def provider_cookie_name(self) -> str:
        """The cookie of somebody who is at the provider of sign-ins, or came back and has a question to answer."""
        return f"{self.cookie_name}-provider"

    @property
    def passkey_cookie_name(self) -> str:
        """The cookie that holds the question which a passkey is to sign, for five minutes."""
        return f"{self.cookie_name}-passkey"

    @property
    def device_cookie_name(self) -> str:
        """The cookie by which a browser is known again at sign-in."""
        return f"{self.cookie_name}-device"


def load(environment: Mapping[str, str] | None = None) -> Config:
    """Read the settings from `KHMA_…` variables.

    KHMA_SECRET, KHMA_OIDC_CLIENT_SECRET and KHMA_SMS_SECRET may also stand in files, which KHMA_SECRET_FILE,
    KHMA_OIDC_CLIENT_SECRET_FILE and KHMA_SMS_SECRET_FILE name.
    """
    env = os.environ if environment is None else environment
    data = Path(env.get("KHMA_DATA", ROOT / "var"))
    secret = _secret(env, "KHMA_SECRET")
    issuer = env.get("KHMA_OIDC_ISSUER", "")
    return Config(
        database_url=env.get("KHMA_DATABASE_URL", f"sqlite:///{data / 'khma.sqlite3'}"),
        owner_database_url=env.get("KHMA_OWNER_DATABASE_URL", ""),
        base_url=env.get("KHMA_BASE_URL", "http://127.0.0.1:8000").rstrip("/"),
        secret=secret,
        data=data,
        keys=Path(env.get("KHMA_KEYS", data / "keys")),
        backups=Path(env["KHMA_BACKUPS"]) if env.get("KHMA_BACKUPS") else None,
        smtp_url=env.get("KHMA_SMTP_URL", ""),
        mail_from=env.get("KHMA_MAIL_FROM", "khma@localhost"),
        trusted_proxy=env.get("KHMA_TRUSTED_PROXY", ""),
        trusted_network=env.get("KHMA_TRUSTED_NETWORK", "") == "1",
        metrics_token=env.get("KHMA_METRICS_TOKEN", ""),
        demonstration=env.get("KHMA_DEMONSTRATION", "") == "1",
        oidc_issuer=issuer,
        oidc_client_id=env.get("KHMA_OIDC_CLIENT_ID", ""),
        oidc_client_secret=_secret(env, "KHMA_OIDC_CLIENT_SECRET"),
        oidc_name=env.get("KHMA_OIDC_NAME", "") or issuer.removeprefix("https://"),
        oidc_scope=env.get("KHMA_OIDC_SCOPE", "") or OIDC_SCOPE,
        oidc_identifier_claim=env.get("KHMA_OIDC_IDENTIFIER_CLAIM", ""),
        sms_number=env.get("KHMA_SMS_NUMBER", ""),
        sms_secret=_secret(env, "KHMA_SMS_SECRET"),
    )


def _secret(env: Mapping[str, str], name: str) -> str:
    """Read a secret, or the file that holds it: one without a folder is a credential that systemd hands over."""
    if (secret := env.get(name, "")) or not (path := env.get(f"{name}_FILE")):
        return secret
    return Path(env.get("CREDENTIALS_DIRECTORY", ""), path).read_text("utf-8").strip()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check(config: Config) -> Iterator[tuple[str, str]]:
    """Yield every unsafe setting as (name, what is wrong and the cure); nothing means it may serve."""
    url = urlsplit(config.base_url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        yield "KHMA_BASE_URL", f"{config.base_url!r} is no web address; write https://your.town.example"
    elif url.scheme == "http" and not _is_loopback(url.hostname):
        yield "KHMA_BASE_URL", "is not https; http is allowed on this machine's own address only"
    elif (
        url.netloc != url.netloc.lower()
        or "@" in url.netloc
        or url.path
        or url.query
        or url.netloc.endswith((":80", ":443"))
    ):
        yield "KHMA_BASE_URL", "is not as a browser says it: scheme and host in small letters, no path, no usual port"
    if is_weak(config.secret):
        yield "KHMA_SECRET", f"needs {SHORTEST_SECRET} random characters or more; make one with: openssl rand -hex 32"
    if config.database_url.split(":")[0] not in {"sqlite", "postgresql"}:
        yield "KHMA_DATABASE_URL", "must begin with sqlite:// or postgresql://"
    if config.keys.exists() and stat.S_IMODE(config.keys.stat().st_mode) & 0o077:
        yield "KHMA_KEYS", f"{config.keys} can be read by others; run: chmod 700 {config.keys}"
    if config.demonstration and not _is_loopback(url.hostname or ""):
        yield "KHMA_DEMONSTRATION", "a demonstration may be served on this machine's own address only"
    if config.secure and not config.smtp_url:
        yield "KHMA_SMTP_URL", "is empty: letters, and the links in them, would be printed into the log"
    if config.trusted_proxy:
        try:
            ipaddress.ip_address(config.trusted_proxy)
        except ValueError:
            yield "KHMA_TRUSTED_PROXY", f"{config.trusted_proxy!r} is no network address; write one, such as 10.0.0.2"
    if not config.trusted_network:
        yield from _check_database(config)
    yield from _check_provider(config)
    yield from _check_gateway(config)


def is_weak(secret: str) -> bool:
    """Tell whether a secret is too short, or too much of it is the same."""
    return len(secret) < SHORTEST_SECRET or len(set(secret)) < SHORTEST_SECRET // 4


def _check_gateway(config: Config) -> Iterator[tuple[str, str]]:
    """Yield what is wrong about messages from telephones: both settings are there, or neither."""
    if not config.sms_number and not config.sms_secret:
        return
    if not re.fullmatch(r"\+[1-9][0-9]{7,14}", config.sms_number):
        yield (
            "KHMA_SMS_NUMBER",
            f"{config.sms_number!r} is no number with its country; write one, such as +995322000000",
        )
    if is_weak(config.sms_secret):
        yield (
            "KHMA_SMS_SECRET",
            f"needs {SHORTEST_SECRET} random characters or more; make one with: openssl rand -hex 32",
        )


def _check_database(config: Config) -> Iterator[tuple[str, str]]:
    """Yield each address of a database elsewhere that does not ask for encryption and for the server's certificate."""
    for name, url in (
        ("KHMA_DATABASE_URL", config.database_url),
        ("KHMA_OWNER_DATABASE_URL", config.owner_database_url),
    ):
        if url.startswith("postgresql:") and not _is_protected(url):
            yield (
                name,
                (
                    "names another machine without ?sslmode=verify-full: what goes there could be read on its way; "
                    "KHMA_TRUSTED_NETWORK=1 if nobody else is on that network"
                ),
            )


def _is_protected(url: str) -> bool:
    """Tell whether an address of PostgreSQL stays on this machine, or checks whom it speaks to under encryption.

    What it does not say, PostgreSQL's library reads from the environment.
    """
    try:
        parts = urlsplit(url)
        asked = parse_qs(parts.query)
        if parts.hostname:
            asked.setdefault("host", []).append(parts.hostname)
        for name, variable in _LIBPQ.items():
            if name not in asked and (value := os.environ.get(variable)):
                asked[name] = [value]
        hosts = [each for name in ("host", "hostaddr") for value in asked.get(name, []) for each in value.split(",")]
        is_here = "service" not in asked and all(each.startswith("/") or _is_loopback(_host(each)) for each in hosts)
    except ValueError:
        return False
    return is_here or asked.get("sslmode") == ["verify-full"]


def _host(text: str) -> str:
    """Read the host of `host:port`, as SQLAlchemy takes several; what is no such thing counts as elsewhere."""
    return urlsplit(f"//{text}").hostname or text


def _check_provider(config: Config) -> Iterator[tuple[str, str]]:
    """Yield what is wrong about the provider of sign-ins: its settings are all there, or none of them."""
    needed = {
        "KHMA_OIDC_ISSUER": config.oidc_issuer,
        "KHMA_OIDC_CLIENT_ID": config.oidc_client_id,
        "KHMA_OIDC_CLIENT_SECRET": config.oidc_client_secret,
    }
    if not any((*needed.values(), config.oidc_name, config.oidc_identifier_claim)):
        return
    for name, value in needed.items():
        if not value:
            yield name, "is empty, while other settings of the provider are not; set all of them or none"
    if not config.oidc_issuer:
        return
    try:
        url = urlsplit(config.oidc_issuer)
        host = url.hostname or ""
    except ValueError:
        host = ""
    if not host or url.query or url.fragment or "@" in url.netloc:
        yield "KHMA_OIDC_ISSUER", f"{config.oidc_issuer!r} is no address of an issuer; write https://id.town.example"
    elif url.scheme != "https" and (url.scheme != "http" or config.secure or not _is_loopback(host)):
        yield "KHMA_OIDC_ISSUER", "is not https; http is allowed for a trial on this machine only"
    if "openid" not in config.oidc_scope.split():
        yield "KHMA_OIDC_SCOPE", "must name the scope openid"
