"""The provider of sign-ins, asked over the network: its addresses once an hour, its keys when they change, a code once.

Only the issuer's own host is ever asked, no redirect is followed, and an answer may be neither long nor slow.
"""

import asyncio
import json
import time
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
from joserfc.jwk import KeySet

from app.accounts.oidc.claims import (
    Metadata,
    Person,
    check_answer,
    check_metadata,
    check_token,
    key_named,
    read_keys,
    read_person,
    untrue,
)
from app.accounts.oidc.notes import Leaving
from app.config import Config
from app.security import JUST_NOW
from commons.errors import Conflict

PATIENCE_SECONDS = 10
KNOWN_FOR_SECONDS = 3600
ASKED_AGAIN_AFTER_SECONDS = 60
AWAY_FOR_SECONDS = 5
LONGEST_ANSWER_BYTES = 500_000


class ProviderAway(Exception):
    """The provider does not answer, or not as it must: a 503 that names other ways."""


class Provider:
    """One process's hold on the provider that the settings name."""

    def __init__(self, config: Config) -> None:
        self.issuer, self.name = config.oidc_issuer, config.oidc_name
        self._config = config
        self._http = httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=PATIENCE_SECONDS)
        self._asking = asyncio.Lock()
        self._metadata: Metadata | None = None
        self._keys: KeySet | None = None
        self._metadata_at = self._keys_at = self._away_at = float("-inf")

    async def leave(self, leaving: Leaving, back: str) -> str:
        """Write the address where somebody signs in; who leaves again, to show that it is still them, does so anew.

        back:   where they come back to.
        Raises: ProviderAway, Forbidden.
        """
        metadata = await self._discover()
        asked = {
            "response_type": "code",
            "client_id": self._config.oidc_client_id,
            "redirect_uri": back,
            "scope": self._config.oidc_scope,
            "state": leaving.state,
            "nonce": leaving.nonce,
            "code_challenge": leaving.challenge,
            "code_challenge_method": "S256",
        }
        if leaving.again:  # with max_age it must say when they did (Core 3.1.2.1)
            asked |= {"prompt": "login", "max_age": str(int(JUST_NOW.total_seconds()))}
        joint = "&" if "?" in metadata.authorize else "?"
        return f"{metadata.authorize}{joint}{urlencode(asked)}"

    async def check_sender(self, said: str) -> None:
        """Check who sent the browser back, as its address names them. Raises ProviderAway, Forbidden "oidc.untrue"."""
        check_answer(await self._discover(), self.issuer, said)

    async def redeem(self, code: str, leaving: Leaving, back: str) -> tuple[str, str]:
        """Give a code, and get what it stands for. Returns an ID token and an access token, neither checked.

        Raises: Conflict "oidc.code_dead"; Forbidden "oidc.untrue"; ProviderAway.
        """
        metadata, config = await self._discover(), self._config
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": leaving.verifier,
        }
        auth = None
        if metadata.by_post:
            form |= {"client_id": config.oidc_client_id, "client_secret": config.oidc_client_secret}
        else:  # RFC 6749, 2.3.1: both are escaped as in a form before they are joined
            auth = httpx.BasicAuth(quote_plus(config.oidc_client_id), quote_plus(config.oidc_client_secret))
        request = self._http.build_request("POST", metadata.token, data=form)
        status, answer = await self._send(request, auth)
        if 400 <= status < 500 and answer.get("error") == "invalid_grant":
            raise Conflict("oidc.code_dead")
        if status != 200:
            raise ProviderAway(f"token endpoint: {status}")
        token, access = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str):
            raise untrue("no ID token")
        return token, access if isinstance(access, str) else ""

    async def identify(self, token: str, access: str, leaving: Leaving, moment: datetime) -> Person:
        """Check an ID token, and find who it speaks of. Raises Forbidden "oidc.untrue"; ProviderAway."""
        keys = await self._keys_for(key_named(token))
        claims = check_token(
            token, keys, issuer=self.issuer, client_id=self._config.oidc_client_id, nonce=leaving.nonce, moment=moment
        )
        wanted = {"email", "name", self._config.oidc_identifier_claim} - {""}
        userinfo = (await self._discover()).userinfo
        more: dict[str, Any] = {}
        if userinfo and access and not wanted <= set(claims):
            request = self._http.build_request("GET", userinfo, headers={"Authorization": f"Bearer {access}"})
            status, more = await self._send(request, None)
            if status != 200:
                raise ProviderAway(f"userinfo endpoint: {status}")
        return read_person(claims, more, self._config.oidc_identifier_claim)

    async def _discover(self) -> Metadata:
        async with self._asking:
            if self._metadata is None or time.monotonic() - self._metadata_at > KNOWN_FOR_SECONDS:
                if time.monotonic() - self._away_at < AWAY_FOR_SECONDS:  # whoever waited does not wait a second time
                    raise ProviderAway("a moment ago")
                document = await self._get(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
                self._metadata, self._metadata_at = check_metadata(self.issuer, document), time.monotonic()
            return self._metadata

    async def _keys_for(self, named: str) -> KeySet:
        """Give the provider's keys; asked for again where a token names one that is not among them, once a minute."""
        metadata = await self._discover()
        async with self._asking:
            known = self._keys is not None and (not named or named in {key.kid for key in self._keys.keys})
            age = time.monotonic() - self._keys_at
            if self._keys is None or age > KNOWN_FOR_SECONDS or (not known and age > ASKED_AGAIN_AFTER_SECONDS):
                self._keys, self._keys_at = read_keys(await self._get(metadata.keys)), time.monotonic()
            return self._keys

    async def _get(self, address: str) -> dict[str, Any]:
        try:
            status, answer = await self._send(self._http.build_request("GET", address), None)
            if status != 200:
                raise ProviderAway(f"{status}")
        except ProviderAway:
            self._away_at = time.monotonic()
            raise
        return answer

    async def _send(self, request: httpx.Request, auth: httpx.Auth | None) -> tuple[int, dict[str, Any]]:
        request.headers["Accept"] = "application/json"
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await self._http.send(request, auth=auth, stream=True)
                try:
                    data = bytearray()
                    async for part in answer.aiter_bytes():
                        data += part
                        if len(data) > LONGEST_ANSWER_BYTES:
                            raise ProviderAway("answer too long")
                finally:
                    await answer.aclose()
            found = json.loads(data)
        except (httpx.HTTPError, TimeoutError, ValueError, RecursionError) as broken:
            raise ProviderAway(type(broken).__name__) from broken
        if not isinstance(found, dict):
            raise ProviderAway("no object")
        return answer.status_code, found

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()
