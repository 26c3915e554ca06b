"""Sign-in by a provider that lies in every way that the standards warn of: nobody comes in, and nobody is stuck."""

import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.oidc import provider as asking
from app.accounts.tables import Session
from commons.clock import now
from tests.conftest import Addresses
from tests.plumbing.house import PEOPLE, Town, opened_town
from tests.plumbing.providers import (
    CLIENT,
    KEY,
    Claims,
    LyingProvider,
    accounts,
    begun,
    by_foreign_key,
    by_shared_secret,
    is_in,
    lying_provider,
    settings,
    unsigned,
)

pytestmark = pytest.mark.anyio

NOT_IN = "You are not signed in yet"


@pytest.fixture
def liar() -> Iterator[LyingProvider]:
    with lying_provider() as provider:
        yield provider


@pytest.fixture
async def fooled(
    sqlite_addresses: Addresses, tmp_path: Path, liar: LyingProvider, anyio_backend: str
) -> AsyncIterator[Town]:
    """Give a house that trusts a provider which lies, on SQLite: no database has a part in that."""
    urls = sqlite_addresses.url, sqlite_addresses.owner_url
    async with opened_town(*urls, tmp_path, **settings(liar.issuer)) as town:
        yield town


def bent(**instead: object) -> Callable[[Claims], Claims]:
    return lambda claims: {name: value for name, value in (claims | instead).items() if value is not None}


LIES: dict[str, tuple[Callable[[Claims], Claims], Callable[[Claims], str] | None]] = {
    "another issuer": (bent(iss="https://id.evil.example"), None),
    "another audience": (bent(aud="another-client"), None),
    "many audiences, no party": (bent(aud=[CLIENT, "another-client"]), None),
    "another party": (bent(aud=[CLIENT, "another-client"], azp="another-client"), None),
    "party alone": (bent(azp="another-client"), None),
    "nonce replaced": (bent(nonce="an-older-one"), None),
    "no nonce": (bent(nonce=None), None),
    "expired": (bent(exp=1_700_000_000), None),
    "for ever": (bent(exp=None), None),
    "for longer than numbers go": (bent(exp=10**400), None),
    "issued in a year": (bent(iat=4_000_000_000), None),
    "not yet": (bent(nbf=4_000_000_000), None),
    "nobody": (bent(sub=""), None),
    "unsigned": (bent(), unsigned),
    "public key as secret": (bent(), by_shared_secret(KEY.as_pem(private=False))),
    "client secret as key": (bent(), by_shared_secret(b"a secret: of both/sides")),
    "foreign key": (bent(), by_foreign_key),
    "no token": (bent(), lambda _: "no.token.here"),
    "empty": (bent(), lambda _: ""),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_signs_nobody_in(fooled: Town, liar: LyingProvider, lie: str) -> None:
    bend, sign = LIES[lie]
    before, browser = await fooled.rows(), fooled.browser()
    back = liar.back(await begun(browser))
    liar.bend = bend
    if sign is not None:
        liar.sign = sign
    answer = await browser.get(back)
    assert (answer.status_code, NOT_IN in answer.text) == (403, True), lie
    assert "cannot be believed" in answer.text
    assert await fooled.rows() == before


async def test_the_truth_of_the_same_provider_signs_in(fooled: Town, liar: LyingProvider) -> None:
    for claims in ({}, {"aud": [CLIENT]}, {"aud": [CLIENT, "b"], "azp": CLIENT}):
        browser = fooled.browser()
        back = liar.back(await begun(browser))
        liar.claims = claims
        assert (await browser.get(back)).status_code == 303
        assert await is_in(browser)


NOT_ANEW: dict[str, Callable[[int], object]] = {
    "not told": lambda now: None,
    "hours ago": lambda now: now - 7200,
    "six minutes ago": lambda now: now - 360,
    "to come": lambda now: now + 120,
    "a word": str,
    "a truth": lambda now: True,
    "endless": lambda now: 10**400,
    "no number": lambda now: float("nan"),
}
FORM, ANEW = 'action="/en/me/erase"', "/en/sign-in/provider?next=%2Fen%2Fme%2Ferase&amp;again=1"


@pytest.mark.parametrize("when", NOT_ANEW)
async def test_to_show_that_it_is_still_them_people_sign_in_anew(fooled: Town, liar: LyingProvider, when: str) -> None:
    """Being signed in there, hours ago, on a browser that somebody else found, proves nothing here."""
    browser, said = fooled.browser(), int(time.time())
    liar.claims = {"auth_time": NOT_ANEW[when](said)}
    liar.bend = lambda claims: {name: value for name, value in claims.items() if value is not None}
    assert (await browser.get(liar.back(await begun(browser)))).status_code == 303
    page = (await browser.get("/en/me/erase")).text
    assert (FORM in page, ANEW in page) == (False, True)  # they are in, and must show it all the same
    assert (await browser.send("/en/me/erase", {})).status_code == 422
    before, cookie = await fooled.rows(), browser.cookie
    left = await browser.get("/en/sign-in/provider?next=/en/me/erase&again=1")
    asked = parse_qs(urlsplit(left.headers["location"]).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["300"])
    refused = await browser.get(liar.back(left.headers["location"]))
    assert (refused.status_code, "without asking who you are" in refused.text, ANEW in refused.text) == (
        403,
        True,
        True,
    )
    assert ("Nothing has changed yet" in refused.text, NOT_IN in refused.text) == (True, False)
    assert (await fooled.rows(), browser.cookie, await is_in(browser)) == (before, cookie, True)


@pytest.mark.parametrize("again", [False, True])
async def test_who_showed_it_minutes_ago_is_believed_until_five_are_over(
    fooled: Town, liar: LyingProvider, again: bool
) -> None:
    browser = fooled.browser()
    liar.claims = {"auth_time": int(time.time()) - 240}
    left = await browser.get("/en/sign-in/provider?next=/en/me/erase" + ("&again=1" if again else ""))
    assert ("prompt" in left.headers["location"], "max_age" in left.headers["location"]) == (again, again)
    assert (await browser.get(liar.back(left.headers["location"]))).headers["location"] == "/en/me/erase"
    assert FORM in (await browser.get("/en/me/erase")).text

    async def a_minute_and_a_half_later(session: AsyncSession) -> None:
        for row in (await session.exec(select(Session))).all():
            row.created_at -= timedelta(seconds=90)
            row.expires_at -= timedelta(seconds=90)
            session.add(row)

    await fooled.house.db.write(a_minute_and_a_half_later)
    assert FORM not in (await browser.get("/en/me/erase")).text


async def test_what_is_told_beside_the_token_counts_only_for_the_same_person(fooled: Town, liar: LyingProvider) -> None:
    liar.userinfo = {"sub": "lying", "name": "Gia", "email": "gia@vardisi.example", "email_verified": True}
    browser = fooled.browser()
    await browser.get(liar.back(await begun(browser)))
    assert (await accounts(fooled))["Gia"] == "gia@vardisi.example"
    liar.userinfo = {"sub": "somebody-else", "name": "Gia"}
    answer = await browser.get(liar.back(await begun(browser)))
    assert answer.status_code == 403


async def test_a_checked_mark_does_not_wander_to_another_address(fooled: Town, liar: LyingProvider) -> None:
    liar.claims = {
        "email": PEOPLE["citizen"][1]
    }  # the token says an address, the rest says that some address is checked
    liar.userinfo = {"sub": "lying", "name": "Gia", "email": "gia@vardisi.example", "email_verified": True}
    browser = fooled.browser()
    assert (await browser.get(liar.back(await begun(browser)))).headers["location"] == "/en/me"
    assert (await accounts(fooled))["Gia"] is None


async def test_another_state_and_another_sender_are_refused(fooled: Town, liar: LyingProvider) -> None:
    for instead in ({"state": "made-up"}, {"state": ""}, {"iss": "https://id.evil.example"}):
        browser = fooled.browser()
        answer = await browser.get(liar.back(await begun(browser), **instead))
        assert (answer.status_code, await is_in(browser)) == (403, False), instead
    assert liar.asked.count("/token") == 0
    browser = fooled.browser()
    assert (await browser.get(liar.back(await begun(browser), iss=liar.issuer))).status_code == 303


async def test_a_code_for_another_challenge_is_refused_by_the_provider(fooled: Town, liar: LyingProvider) -> None:
    browser = fooled.browser()
    back = liar.back(await begun(browser))
    liar.challenge = "of-somebody-else"
    answer = await browser.get(back)
    assert (answer.status_code, "Begin again" in answer.text) == (409, True)


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://id.evil.example"},
        {"token_endpoint": "http://169.254.169.254/latest"},
        {"jwks_uri": "http://127.0.0.1:1/keys"},
        {"userinfo_endpoint": "file:///etc/passwd"},
        {"authorization_endpoint": "https://id.evil.example/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": None},
    ],
)
async def test_only_the_issuers_own_host_is_ever_asked(fooled: Town, liar: LyingProvider, document: Claims) -> None:
    liar.document = document
    answer = await fooled.browser().get("/en/sign-in/provider")
    assert (answer.status_code, NOT_IN in answer.text) == (403, True)
    assert set(liar.asked) == {"/.well-known/openid-configuration"}


async def test_no_redirect_is_followed(fooled: Town, liar: LyingProvider) -> None:
    browser = fooled.browser()
    back = liar.back(await begun(browser))
    liar.token_answer = (302, {"location": f"{liar.issuer}/keys"})
    asked = len(liar.asked)
    assert (await browser.get(back)).status_code == 503
    assert liar.asked[asked:] == ["/token"]


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b"\xff", b'"' + b"a" * 600_000 + b'"', b"[" * 100_000])
async def test_nonsense_from_the_provider_is_a_503_with_a_cure(fooled: Town, liar: LyingProvider, raw: bytes) -> None:
    liar.raw = raw
    browser = fooled.browser()
    answer = await browser.get("/en/sign-in/provider")
    assert (answer.status_code, "Sign in with e-mail address and password" in answer.text) == (503, True)
    asked = len(liar.asked)
    assert (await browser.get("/en/sign-in/provider")).status_code == 503
    assert len(liar.asked) == asked  # for some seconds nobody waits for it again


@pytest.mark.parametrize(
    ("status", "told", "expected"),
    [
        (400, {"error": "invalid_grant"}, 409),
        (401, {"error": "invalid_client"}, 503),
        (500, {}, 503),
        (200, {}, 403),
        (200, {"id_token": 7}, 403),
    ],
)
async def test_each_answer_for_a_code_has_a_page(
    fooled: Town, liar: LyingProvider, status: int, told: Claims, expected: int
) -> None:
    browser = fooled.browser()
    back = liar.back(await begun(browser))
    liar.token_answer = (status, told)
    answer = await browser.get(back)
    assert (answer.status_code, NOT_IN in answer.text, await is_in(browser)) == (expected, True, False)


async def test_a_provider_that_cannot_is_told_apart_from_a_no(fooled: Town, liar: LyingProvider) -> None:
    browser = fooled.browser()
    answer = await browser.get(liar.back(await begun(browser), error="temporarily_unavailable"))
    assert (answer.status_code, "could not sign you in" in answer.text) == (409, True)
    assert "/token" not in liar.asked


async def test_addresses_are_asked_for_once_and_new_keys_are_found(
    fooled: Town, liar: LyingProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        browser = fooled.browser()
        assert (await browser.get(liar.back(await begun(browser)))).status_code == 303
    assert (liar.asked.count("/.well-known/openid-configuration"), liar.asked.count("/keys")) == (1, 1)
    newer = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})
    liar.keys, liar.sign = [newer], lambda claims: jwt.encode({"alg": "RS256", "kid": "second"}, claims, newer)
    browser = fooled.browser()
    assert (await browser.get(liar.back(await begun(browser)))).status_code == 403  # within a minute of the last time
    monkeypatch.setattr(asking, "ASKED_AGAIN_AFTER_SECONDS", 0)
    assert (await browser.get(liar.back(await begun(browser)))).status_code == 303
    assert liar.asked.count("/keys") == 2


async def test_the_secret_goes_into_the_form_where_the_provider_wants_it_there(
    fooled: Town, liar: LyingProvider
) -> None:
    liar.document = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    browser = fooled.browser()
    assert (await browser.get(liar.back(await begun(browser)))).status_code == 303


async def test_a_log_names_the_check_and_nobody(
    fooled: Town, liar: LyingProvider, caplog: pytest.LogCaptureFixture
) -> None:
    liar.claims = {"aud": "another-client", "sub": "CANARY", "name": "CANARY", "email": "CANARY@vardisi.example"}
    browser = fooled.browser()
    await browser.get(liar.back(await begun(browser), code="CANARY"))
    (line,) = [each for each in caplog.records if each.name == "khma.provider"]
    assert line.__dict__["why"] == "audience"
    assert not [each for each in caplog.records if re.search("CANARY", str(each.__dict__)) and "khma" in each.name]


async def test_the_providers_tokens_stay_in_the_house_and_are_kept_nowhere(
    fooled: Town, liar: LyingProvider, caplog: pytest.LogCaptureFixture
) -> None:
    liar.access, liar.userinfo = "CANARY-ACCESS", {"sub": "lying", "name": "Gia"}
    browser = fooled.browser()
    answers = [await browser.get(liar.back(await begun(browser), code="CANARY-CODE")), await browser.get("/en/me")]
    assert "/userinfo" in liar.asked  # so the access token was used
    (token,) = liar.told
    said = "".join(f"{answer.headers} {answer.text}" for answer in answers)
    kept = f"{await fooled.rows()} {[cookie.value for cookie in browser.http.cookies.jar]} {caplog.text}"
    for secret in (liar.access, token, token.rpartition(".")[2], "CANARY-CODE", "a secret: of both/sides"):
        assert secret not in said + kept


async def test_a_session_ends_by_our_clock_alone_and_begins_at_the_provider_again(
    fooled: Town, liar: LyingProvider
) -> None:
    browser = fooled.browser()
    await browser.get(liar.back(await begun(browser)))
    asked = len(liar.asked)
    assert await is_in(browser)
    await fooled.house.db.write(_end_sessions)
    assert not await is_in(browser)
    assert len(liar.asked) == asked  # the provider is asked at sign-in, and at no other time
    there = await begun(browser)
    assert liar.back(there) != liar.back(await begun(browser))  # nothing of before is good for anything
    await browser.get(liar.back(await begun(browser)))
    assert await is_in(browser)
    asked = len(liar.asked)
    await browser.send("/en/sign-out")
    assert (await is_in(browser), len(liar.asked)) == (False, asked)  # nor is it told


async def _end_sessions(session: AsyncSession) -> None:
    """Let all sessions be a week old."""
    await session.exec(update(Session).where(col(Session.browser) == "").values(expires_at=await now(session)))
