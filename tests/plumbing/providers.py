"""Providers of sign-ins for tests: a real one in a process of its own, and one of ours that lies as it is told to."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlmodel import select

from app.accounts.tables import Account
from tests.plumbing.house import Browser, Town
from tests.plumbing.postgres import free_port

CLIENT, CLIENT_SECRET, NUMBER = "khma-of-vardisi", "a secret: of both/sides", "national_id"
START_SECONDS = 30
KEY = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
FOREIGN = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
Claims = dict[str, Any]


def settings(issuer: str) -> dict[str, str]:
    """Name the settings of a house that trusts this provider."""
    return {
        "oidc_issuer": issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_name": "Vardisi ID",
        "oidc_identifier_claim": NUMBER,
    }


@contextmanager
def real_provider(*people: Mapping[str, object]) -> Iterator[str]:
    """Start oidc-provider-mock, which knows these people by their claims. Yields its issuer."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    words = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]
    for claims in people:
        words += ["--user-claims", json.dumps(claims)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KHMA_")}
    server = subprocess.Popen(words, env=clean, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                httpx.get(f"{issuer}/.well-known/openid-configuration", trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                assert server.poll() is None, "the provider ended by itself"
                assert time.monotonic() < until, "the provider did not become ready"
                time.sleep(0.1)
        yield issuer
    finally:
        server.terminate()
        server.wait(10)


async def begun(browser: Browser, wanted: str = "") -> str:
    """Go to the provider. Returns the address there."""
    page = await browser.get("/en/sign-in/provider" + (f"?next={wanted}" if wanted else ""))
    assert page.status_code == 303, page.text
    return str(page.headers["location"])


async def agreed(there: str, subject: str, *, deny: bool = False) -> str:
    """Sign in at the real provider. Returns the address, without its host, to which the browser is sent back."""
    form = {"action": "deny"} if deny else {"sub": subject}
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(there, data=form)
    assert answer.status_code == 302, answer.text
    back = back_in(str(answer.headers["location"]))
    # oidc-provider-mock forgets the state when it says no, which RFC 6749 (4.1.2.1) asks for.
    return f"{back}&state={parse_qs(urlsplit(there).query)['state'][0]}" if deny else back


async def accounts(town: Town) -> dict[str, str | None]:
    """Give the names of all who have an account, and their addresses."""
    async with town.house.db.reading() as session:
        return {each.name: each.email for each in await session.exec(select(Account))}


async def is_in(browser: Browser) -> bool:
    """Tell whether somebody is signed in there."""
    return (await browser.get("/en/me")).status_code == 200


def back_in(address: str) -> str:
    """Give path and query of an address at our house, in English."""
    parts = urlsplit(address)
    assert parts.path == "/sign-in/back"
    return f"/en{parts.path}?{parts.query}"


@dataclass
class LyingProvider:
    """A provider whose every answer a test can bend.

    bend:     changes the claims of an ID token before it is signed. sign: makes the token of them.
    document: what its discovery document says instead. userinfo: what it tells beside the token.
    token_answer: instead of a token, this status and object. asked: paths it was asked for, in order.
    access: its access token. told: the ID tokens it gave.
    """

    issuer: str = ""
    claims: Claims = field(default_factory=dict)
    bend: Callable[[Claims], Claims] = lambda claims: claims
    sign: Callable[[Claims], str] = lambda claims: jwt.encode({"alg": "RS256", "kid": "first"}, claims, KEY)
    document: Claims = field(default_factory=dict)
    userinfo: Claims = field(default_factory=dict)
    keys: list[RSAKey] = field(default_factory=lambda: [KEY])
    token_answer: tuple[int, Claims] | None = None
    raw: bytes | None = None
    asked: list[str] = field(default_factory=list)
    access: str = "a"
    told: list[str] = field(default_factory=list)
    nonce: str = ""
    challenge: str = ""

    def back(self, there: str, **instead: str) -> str:
        """Agree to what the browser asks for at `there`. Returns where it is sent back to, at our house."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()}
        assert asked["code_challenge_method"] == "S256"
        self.nonce, self.challenge = asked["nonce"], asked["code_challenge"]
        sent = {"code": "any", "state": asked["state"]} | instead
        return f"/en/sign-in/back?{httpx.QueryParams(sent)}"

    def answer(self, path: str, form: Mapping[str, str], auth: str) -> tuple[int, Claims]:
        """Answer as a provider does, unless bent."""
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            own = {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
            }
            return 200, {name: value for name, value in (own | self.document).items() if value is not None}
        told = {"/keys": {"keys": [key.as_dict(private=False) for key in self.keys]}, "/userinfo": self.userinfo}
        return (200, told[path]) if path in told else self.token_answer or self._token(form, auth)

    def _token(self, form: Mapping[str, str], auth: str) -> tuple[int, Claims]:
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() != self.challenge:
            return 400, {"error": "invalid_grant"}
        if not is_client(form, auth):
            return 401, {"error": "invalid_client"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "lying", "iat": now, "exp": now + 300, "nonce": self.nonce}
        self.told.append(self.sign(self.bend(claims | self.claims)))
        return 200, {
            "id_token": self.told[-1],
            "access_token": self.access,
            "token_type": "Bearer",
        }


@contextmanager
def lying_provider() -> Iterator[LyingProvider]:
    """Serve a provider of ours from a thread."""
    provider = LyingProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._answer({name: values[0] for name, values in parse_qs(body).items()})

        def _answer(self, form: Mapping[str, str]) -> None:
            status, told = provider.answer(urlsplit(self.path).path, form, self.headers.get("authorization", ""))
            data = provider.raw if provider.raw is not None else json.dumps(told).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", told["location"])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield provider
        server.shutdown()


def is_client(form: Mapping[str, str], auth: str) -> bool:
    """Tell whether our house shows its secret, by header (RFC 6749, 2.3.1) or in the form."""
    if not auth:
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT, CLIENT_SECRET)
    name, _, secret = base64.b64decode(auth.removeprefix("Basic ")).decode().partition(":")
    return (unquote_plus(name), unquote_plus(secret)) == (CLIENT, CLIENT_SECRET)


def unsigned(claims: Claims) -> str:
    """Write a token with the algorithm "none"."""
    return _segments({"alg": "none"}, claims) + "."


def _segments(*parts: Claims) -> str:
    return ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in parts)


def by_shared_secret(secret: bytes) -> Callable[[Claims], str]:
    """Sign with HS256 and a secret that the attacker knows too, such as our public key."""

    def sign(claims: Claims) -> str:
        text = _segments({"alg": "HS256", "kid": "first"}, claims)
        digest = hmac.digest(secret, text.encode(), "sha256")  # by hand: the library would not take a public key for it
        return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    return sign


def by_foreign_key(claims: Claims) -> str:
    """Sign rightly, with a key that is not the provider's but bears its name."""
    return jwt.encode({"alg": "RS256", "kid": "first"}, claims, FOREIGN)
