"""What goes wrong at the door, said once for all pages: the right status, a sentence, and a way on.

An answer to htmx is a piece that goes into the page's place for errors; an answer to a browser is a page.
Nothing here asks the database: it may be what is away.
"""

import logging
import re
import secrets
from urllib.parse import quote

from litestar import Response
from litestar.enums import MediaType
from litestar.exceptions import HTTPException
from litestar.routes import HTTPRoute

from app.accounts.factors.store import FIELD
from app.accounts.limits import TooMany
from app.accounts.passkeys.answers import ANSWER
from app.accounts.passwords import Busy
from app.config import LANGUAGES
from app.db import Away
from app.i18n import explain, words
from app.web.respond import AnyRequest, go, language_of, note_refusal, rendered, wants_piece
from app.web.session import SAFE, FactorFirst, NoLanguage, ProveFirst, SignInFirst, WrongForm, visitor_of
from commons.errors import DomainError, Forbidden

log = logging.getLogger("khma.door")

AWAY_SECONDS = 10
BUSY_SECONDS, BUSY_SPREAD_SECONDS = 5, 15
# No page holds a password: it is asked for again.
NOT_CARRIED = frozenset({"_token", FIELD, ANSWER, "current", "password", "present"})
KNOWN = {400: "door.unreadable", 404: "door.nowhere", 405: "door.wrong_method", 413: "door.too_large"}


def show(
    request: AnyRequest, status: int, sentence: str, headers: dict[str, str] | None = None, code: str = ""
) -> Response[str]:
    """Answer with an error: a page, or a piece for htmx. code: where the page has ways on of its own for it."""
    if wants_piece(request):
        answer = rendered(request, "errors/_error.html", status, sentence=sentence)
        answer.headers |= {"HX-Retarget": "#errors", "HX-Reswap": "innerHTML"}
    else:
        answer = rendered(request, "errors/error.html", status, number=status, sentence=sentence, code=code)
    answer.headers |= headers or {}
    return answer


def on_domain_error(request: AnyRequest, error: DomainError) -> Response[str]:
    """Say what the record says no to."""
    if isinstance(error, Forbidden):
        note_refusal(request, error.code)
    return show(request, error.status, explain(language_of(request), error), code=error.code)


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[str]:
    """Say what the framework says no to."""
    status = error.status_code
    if status == 404 and request.scope["path"].lstrip("/").partition("/")[0] not in LANGUAGES:
        return on_no_language(request, NoLanguage())
    if status not in KNOWN:
        status = 400 if 400 <= status < 500 else 500
    if status == 500:
        return on_bug(request, error)
    if status == 405 and (place := _page_above(request)):
        return go(request, quote(place))
    if status != 404:
        note_refusal(request, KNOWN[status])
    allowed = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return show(request, status, words(language_of(request), KNOWN[status], {}), allowed)


def _page_above(request: AnyRequest) -> str:
    """Find the page above an address that takes forms alone, for whoever looks at it: in a tab of before, say.

    Returns: its address; nothing where no page but the first one is above, or nobody looks.
    """
    place = request.scope["path"]
    if request.scope["method"] not in {"GET", "HEAD"} or place.split("/")[1] not in LANGUAGES:
        return ""
    pages = {each.path_format for each in request.app.routes if isinstance(each, HTTPRoute) and "GET" in each.methods}
    while (place := place.rpartition("/")[0]).count("/") > 1:
        if any(re.fullmatch(re.sub("{[^}]+}", "[^/]+", each), place) for each in pages):
            return str(place)
    return ""


def on_sign_in_first(request: AnyRequest, _: SignInFirst) -> Response[str]:
    """Show the way to sign-in, and remember where somebody was going."""
    note_refusal(request, "door.sign_in_first")
    return _by_way_of(request, "accounts.sign_in")


def on_factor_first(request: AnyRequest, _: FactorFirst) -> Response[str]:
    """Show the way to the set-up of a second factor, and remember where somebody was going."""
    note_refusal(request, "door.factor_first")
    return _by_way_of(request, "factors.show")


def on_prove_first(request: AnyRequest, error: ProveFirst) -> Response[str]:
    """Ask for a code, or a password. A form is carried on: the same page of ours sends it again, with the code.

    No page holds a password, so none is carried on.
    """
    note_refusal(request, "door.prove_first")
    if request.scope["method"] in SAFE or wants_piece(request):
        return _by_way_of(request, "factors.prove")
    fields = list(visitor_of(request).form.items())
    carried = [(name, text) for name, text in fields if isinstance(text, str) and name not in NOT_CARRIED]
    return rendered(
        request,
        "factors/carry.html",
        error.error.status if error.error else 403,
        carried=carried,
        lost=any(not isinstance(sent, str) and sent.filename for _, sent in fields),
        code=error.code,
        error=error.error,
    )


def _by_way_of(request: AnyRequest, route: str) -> Response[str]:
    place = request.app.route_reverse(route, lang=language_of(request))
    if request.scope["method"] == "GET" and not wants_piece(request):
        return go(request, f"{place}?next={quote(request.scope['path'])}")
    if wants_piece(request):
        return Response("", status_code=401, headers={"HX-Redirect": place}, media_type=MediaType.HTML)
    return go(request, place)


def on_no_language(request: AnyRequest, _: NoLanguage) -> Response[str]:
    """Show the way to the same address in the reader's language."""
    if request.scope["method"] not in {"GET", "HEAD"}:
        return show(request, 404, words(language_of(request), KNOWN[404], {}))
    query = request.scope["query_string"].decode("latin-1")
    place = f"/{language_of(request)}/{quote(request.scope['path'].lstrip('/'))}".rstrip("/")
    return Response(
        "", status_code=303, media_type=MediaType.HTML, headers={"Location": place + (f"?{query}" if query else "")}
    )


def on_wrong_form(request: AnyRequest, _: WrongForm) -> Response[str]:
    """Say that only forms are taken here."""
    note_refusal(request, "door.no_form")
    return show(request, 415, words(language_of(request), "door.no_form", {}))


def on_too_many(request: AnyRequest, error: TooMany) -> Response[str]:
    """Say how long to wait."""
    note_refusal(request, "door.too_many")
    minutes = -(-error.seconds // 60)
    sentence = words(language_of(request), "door.too_many", {"minutes": minutes})
    return show(request, 429, sentence, {"Retry-After": str(error.seconds)})


def busy_seconds() -> int:
    """Draw when somebody shall come back: all at once would be the same storm again."""
    return BUSY_SECONDS + secrets.randbelow(BUSY_SPREAD_SECONDS)


def on_busy(request: AnyRequest, _: Busy) -> Response[str]:
    """Say that many are signing in at once."""
    return show(request, 503, words(language_of(request), "door.busy", {}), {"Retry-After": str(busy_seconds())})


def on_away(request: AnyRequest, _: Away) -> Response[str]:
    """Say that nothing was recorded, because the database is away."""
    log.error("database away")
    return show(request, 503, words(language_of(request), "door.away", {}), {"Retry-After": str(AWAY_SECONDS)})


def on_bug(request: AnyRequest, error: Exception) -> Response[str]:
    """Say that the fault is ours. The log names where, and never what was sent."""
    log.error("bug", exc_info=error)
    return show(request, 500, words(language_of(request), "door.bug", {}))


HANDLERS = {
    DomainError: on_domain_error,
    HTTPException: on_http_error,
    SignInFirst: on_sign_in_first,
    FactorFirst: on_factor_first,
    ProveFirst: on_prove_first,
    NoLanguage: on_no_language,
    WrongForm: on_wrong_form,
    TooMany: on_too_many,
    Busy: on_busy,
    Away: on_away,
    Exception: on_bug,
}
