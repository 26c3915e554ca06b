"""The web application: its doors, its pages, and what is said with every answer."""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from litestar import Litestar
from litestar.datastructures import State
from litestar.types import Message, Scope

from app.config import Config, load
from app.house import House, open_house
from app.log import set_up
from app.security import MAY
from app.web import (
    accounts,
    amending,
    asking,
    components,
    counter,
    errors,
    factors,
    home,
    ledger,
    lines,
    manage,
    measures,
    oidc,
    operating,
    pages,
    passkeys,
    people,
    phones,
    pictures,
    prints,
    publishing,
    results,
    rights,
    roll_changes,
    roll_imports,
    rolls,
    screens,
    services,
    settings,
    static,
    votes,
    voting,
)
from app.web.session import Visitor, cookie_for, enter

log = logging.getLogger("khma.door")

LARGEST_BODY_BYTES = 1_000_000
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
VARY = "Accept-Encoding, Accept-Language, Cookie, HX-Request, HX-Request-Type, HX-History-Restore-Request, Save-Data"
HEADERS = [  # unless the answer itself says otherwise
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"vary", VARY.encode()),
]
TWO_YEARS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


async def _with_every_answer(message: Message, scope: Scope) -> None:
    """Add what belongs to every answer, errors and addresses that lead nowhere included."""
    if message["type"] != "http.response.start":
        return
    house = cast("House", scope["litestar_app"].state.house)
    visitor = cast("Visitor | None", scope.get("state", {}).get("visitor"))
    given = dict(message["headers"])
    headers = [each for each in message["headers"] if each[0] != b"cache-control"]
    headers += [each for each in HEADERS if each[0] not in given]
    if house.config.secure:
        headers.append(TWO_YEARS)
    cached = given.get(b"cache-control", b"no-cache")
    for_all = b"public" in cached  # static files and pictures, the same for everybody
    private = (
        visitor is not None
        and not for_all
        and (visitor.signed_in or visitor.new_cookie is not None or bool(visitor.cookie))
    )
    if private or message["status"] >= 400 or cast("Any", scope)["method"] not in {"GET", "HEAD"}:
        cached = b"no-store"
    headers.append((b"cache-control", cached))
    if visitor is not None and visitor.recognised and visitor.new_cookie is not None and not for_all:
        headers.append((b"set-cookie", cookie_for(house, visitor.new_cookie).encode()))
    if visitor is not None:
        headers += [(b"set-cookie", each.encode()) for each in visitor.more_cookies]
    message["headers"] = headers


class Door(Litestar):
    """The application: it writes one line a request into the log, and answers HEAD as it would GET, without a body."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own types
        """Answer one request."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        began, status, headless = time.perf_counter(), 500, scope["method"] == "HEAD"
        asked = {**scope, "method": "GET"} if headless else scope  # Litestar alone answers HEAD with 405

        async def answer(message: Any) -> None:  # noqa: ANN401
            nonlocal status
            status = message.get("status", status)
            await send({**message, "body": b""} if headless and message["type"] == "http.response.body" else message)

        try:
            await super().__call__(cast("Scope", asked), receive, answer)
        finally:
            handler = asked.get("route_handler")
            line = {
                "method": scope["method"],
                "route": handler.name if handler else None,
                "status": status,
                "milliseconds": round((time.perf_counter() - began) * 1000, 1),
            }
            if refused := asked.get("state", {}).get("refused"):
                line["refused"] = refused
            log.info("answered", extra=line)


def create_app(config: Config | None = None) -> Litestar:
    """Make the application. Its house is opened when it starts, by the settings in its state, and closed when it ends.

    Raises: RuntimeError when a route is missing in the table of permissions: such a route would be closed to all.
    """

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        app.state.house = open_house(app.state.config)
        try:
            yield
        finally:
            await app.state.house.close()

    app = Door(
        route_handlers=[
            *accounts.ROUTES,
            *amending.ROUTES,
            *asking.ROUTES,
            *components.ROUTES,
            *counter.ROUTES,
            *factors.ROUTES,
            *home.ROUTES,
            *ledger.ROUTES,
            *lines.ROUTES,
            *manage.ROUTES,
            *measures.ROUTES,
            *oidc.ROUTES,
            *operating.ROUTES,
            *pages.ROUTES,
            *passkeys.ROUTES,
            *people.ROUTES,
            *phones.ROUTES,
            *pictures.ROUTES,
            *prints.ROUTES,
            *publishing.ROUTES,
            *results.ROUTES,
            *rights.ROUTES,
            *roll_changes.ROUTES,
            *roll_imports.ROUTES,
            *rolls.ROUTES,
            *screens.ROUTES,
            *services.ROUTES,
            *settings.ROUTES,
            *votes.ROUTES,
            *voting.ROUTES,
            static.static,
        ],
        guards=[enter],
        exception_handlers=cast("Any", errors.HANDLERS),
        before_send=[_with_every_answer],
        lifespan=[lifespan],
        state=State({"config": load() if config is None else config}),
        openapi_config=None,
        logging_config=None,  # Litestar's own would take the place of app.log's handler
        request_max_body_size=LARGEST_BODY_BYTES,
        debug=False,
    )
    # Litestar answers OPTIONS by a nameless handler of its own; nameless, it is closed to all by the same table.
    unlisted = {
        handler.name for route in app.routes for handler in _handlers(route) if "OPTIONS" not in handler.http_methods
    } - set(MAY)
    if unlisted:
        raise RuntimeError(f"not in the table of permissions (app/security.py): {sorted(map(str, unlisted))}")
    return app


def _handlers(route: Any) -> list[Any]:  # noqa: ANN401 - HTTP routes hold many handlers, others one
    return list(getattr(route, "route_handlers", None) or [route.route_handler])


def serving() -> Litestar:
    """Make the application for the server's processes, with logs set up."""
    set_up()
    return create_app()
