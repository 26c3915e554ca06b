"""Letters written out in every language, and handed over by SMTP: with TLS where offered, never to a stranger."""

import ssl
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.config import LANGUAGES, ROOT, Config
from app.i18n import environment
from app.letters.sending import Refused, compose, print_letter, sender_for, smtp_sender
from app.letters.tables import Letter
from tests.plumbing.mail import running_mail_server

CONFIG = Config(database_url="sqlite://", base_url="https://town.example", mail_from="hall@town.example")
TOKEN = "eyJlbWFpbCI6Im5pbm8ifQ.2026.c2lnbmF0dXJl-_"
PERSON = "Nino O'Brien & <Söhne>"
FACTS = {
    "address_back": {"token": TOKEN},
    "address_changed": {"token": TOKEN},
    "address_known": {},
    "address_new": {"token": TOKEN},
    "ballot_cast": {"vote": "Which first & best?", "slug": "which-first"},
    "code_guessed": {"times": "5"},
    "factor_added": {},
    "factor_forgotten": {},
    "factor_loss": {"token": TOKEN},
    "factor_removed": {"left": ""},
    "identity_joined": {"provider": "Town & Co"},
    "identity_removed": {"provider": "Town & Co"},
    "invitation": {"token": TOKEN},
    "new_device": {"browser": "Firefox", "at": "1 May 2026, 12:00 (UTC)"},
    "passkey_added": {},
    "passkey_removed": {},
    "password_changed": {},
    "phone_added": {"ending": "56"},
    "phone_removed": {"ending": "56"},
    "recovery_used": {"left": "9"},
    "reset": {"name": PERSON, "token": TOKEN},
    "role_ended": {"role": "officer", "unit": ""},
    "role_granted": {"role": "officer", "unit": "Registry & Co"},
    "sign_up": {"token": TOKEN},
    "signed_out": {},
    "sign_up_known": {"name": PERSON, "token": TOKEN},
}


def letter(kind: str = "reset", language: str = "en", **facts: str) -> Letter:
    moment = datetime(2026, 11, 21, 23, 47, tzinfo=UTC)
    given = facts or FACTS[kind]
    return Letter(
        address="nino@example.org", kind=kind, language=language, facts=given, written_at=moment, due_at=moment
    )


def test_every_letter_has_its_facts_here() -> None:
    assert {folder.name for folder in (ROOT / "templates" / "letters").iterdir()} == set(FACTS)


@pytest.mark.parametrize(
    "language", [code for code in LANGUAGES if code == "en" or (ROOT / f"app/locale/{code}.po").exists()]
)
@pytest.mark.parametrize("kind", FACTS)
def test_every_letter_reads_as_plain_text_and_leads_to_us_only(kind: str, language: str) -> None:
    message = compose(letter(kind, language), CONFIG, "Town & Hall's")
    body = message.get_content()
    links = [word for word in body.split() if "://" in word]
    assert message["Subject"].strip()
    assert links
    assert all(link.startswith(f"https://town.example/{language}/") for link in links)
    assert "Town & Hall's" in body
    assert "&amp;" not in body
    role = str(environment(language).get_template("people/_words.html").module.role_name("officer"))  # type: ignore[attr-defined]
    for name, fact in FACTS[kind].items():
        assert (role if name == "role" else fact) in body
    assert message.get_content_type() == "text/plain"
    assert message.get_content_charset() == "utf-8"


def test_no_fact_becomes_a_header() -> None:
    name = "Nino\r\nBcc: everybody@example.org\r\n\r\nBuy now"
    plain, hostile = (compose(letter(name=each, token=TOKEN), CONFIG, each) for each in ("Nino", name))
    assert hostile.keys() == plain.keys()
    assert hostile["Subject"] == plain["Subject"] == "Choose a new password"
    assert "\nBcc:" not in hostile.as_string().partition("\n\n")[0]
    with pytest.raises(ValueError, match=r"newline|linefeed|CR|LF"):
        compose(replace_address("nino@example.org\r\nBcc: all@example.org"), CONFIG, "Town Hall")


def replace_address(address: str) -> Letter:
    changed = letter()
    changed.address = address
    return changed


@pytest.mark.parametrize(
    ("sender", "domain"),
    [
        ("hall@town.example", "town.example"),
        ("Town Hall <hall@town.example>", "town.example"),
        ("hall@ვარდისი.example", "ვარდისი.example".encode("idna").decode()),
    ],
)
def test_the_id_is_the_same_at_every_try(sender: str, domain: str) -> None:
    written, config = letter(), replace(CONFIG, mail_from=sender)
    ids = {compose(written, config, "Town Hall")["Message-ID"] for _ in range(2)}
    assert ids == {f"<{written.id}@{domain}>"}


def test_the_console_twin_shows_the_letter(capsys: pytest.CaptureFixture[str]) -> None:
    assert sender_for(CONFIG) is print_letter
    print_letter(compose(letter(), CONFIG, "Town Hall"))
    shown = capsys.readouterr().out
    assert "nino@example.org" in shown
    assert "Choose a new password" in shown
    assert f"https://town.example/en/reset/{TOKEN}" in shown


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a certificate for 127.0.0.1, with its key in the same file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    moment = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(moment - timedelta(hours=1))
        .not_valid_after(moment + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "mail.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_password_and_letter_go_through_tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with running_mail_server(server_side(certificate)) as mail:
        smtp_sender(f"smtp://hall:p%40ss%3Aword@127.0.0.1:{mail.port}")(compose(letter(), CONFIG, "Town Hall"))
        assert (mail.tls, mail.logins) == ([True], [("hall", "p@ss:word")])


def test_a_wrong_password_of_ours_bounces_nobodys_letter(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with running_mail_server(server_side(certificate)) as mail:
        with pytest.raises(Refused) as refused:
            smtp_sender(f"smtp://hall:wrong@127.0.0.1:{mail.port}")(compose(letter(), CONFIG, "Town Hall"))
        assert refused.value.answer.startswith("535")
        assert not refused.value.final
        assert mail.taken == []


def test_a_server_that_cannot_prove_who_it_is_hears_nothing(certificate: Path) -> None:
    with running_mail_server(server_side(certificate)) as mail:
        with pytest.raises(Refused) as refused:
            smtp_sender(f"smtp://hall:p%40ss%3Aword@127.0.0.1:{mail.port}")(compose(letter(), CONFIG, "Town Hall"))
        assert not refused.value.final
        assert (mail.taken, mail.logins) == ([], [])


@pytest.mark.parametrize(("trusted", "login", "goes"), [(False, "", False), (True, "", True), (True, "u:p@", False)])
def test_a_server_elsewhere_without_encryption_gets_no_letter(
    monkeypatch: pytest.MonkeyPatch, trusted: bool, login: str, goes: bool
) -> None:
    monkeypatch.setattr("app.letters.sending.LOOPBACK", frozenset())  # so that the one on this machine is elsewhere
    with running_mail_server() as mail:
        config = replace(CONFIG, smtp_url=mail.url.replace("//", f"//{login}"), trusted_network=trusted)
        with nullcontext() if goes else pytest.raises(Refused, match="no encryption"):
            sender_for(config)(compose(letter(), CONFIG, "Town Hall"))
        assert (len(mail.taken), mail.logins) == (int(goes), [])
