"""Answers: a whole page, a piece of one for htmx, or the way to the next page; the same frame around them all."""

import gzip
import hashlib
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

from litestar import Request, Response
from litestar.enums import MediaType

from app.accounts.entering import Arrival
from app.accounts.factors.halfway import VALID_FOR, Halfway, mark_of, seal_halfway
from app.accounts.screens.joining import Joined, open_joined
from app.accounts.sessions import DEVICE_KNOWN_FOR
from app.accounts.tables import Account
from app.config import LANGUAGES, RIGHT_TO_LEFT, ROOT
from app.i18n import choose, environment, explain, moment_filter, translations, words
from app.security import Roles, may
from app.web.browsers import browser_of
from app.web.session import Visitor, device_of, house_of, keep_cookie, visitor_of
from commons.errors import DomainError, Forbidden
from commons.organisations.tables import Organisation
from commons.tables import text_in

AnyRequest = Request[Any, Any, Any]
LOOK_COOKIE = "khma-look"
THEMES = ("light", "dark", "contrast")
NOTICES = frozenset(
    {
        "address-back",
        "address-changed",
        "agreed",
        "asked",
        "erased",
        "factor-kept",
        "bound",
        "factor-removed",
        "identity-joined",
        "identity-removed",
        "hidden",
        "kept",
        "left-booth",
        "locked",
        "on-paper",
        "opened",
        "passkey-added",
        "passkey-removed",
        "password-changed",
        "proved",
        "published",
        "screen-ended",
        "screen-opened",
        "refused",
        "released",
        "saved",
        "shown",
        "signed-in",
        "signed-out",
        "signed-out-person",
        "signed-out-there",
        "taken-back",
        "void",
        "withdrawn",
    }
)
STATIC = ROOT / "app" / "static"
NEAR_THE_BOX = ("counter.", "screens.", "votes.")


@cache
def static_hash() -> str:
    """Name the static files by what is in them, so that a browser may keep them for ever."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(STATIC).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def asset(name: str) -> str:
    """Give the address of a static file."""
    return f"/static/{static_hash()}/{name}"


def language_of(request: AnyRequest) -> str:
    """Tell the language of an answer: the address's, else the saved one, else the browser's."""
    named = request.scope["path"].lstrip("/").partition("/")[0]
    if named in LANGUAGES:
        return named
    return choose(_look(request).get("lang"), request.headers.get("accept-language"))


def _look(request: AnyRequest) -> dict[str, str]:
    """Read the reading settings from their cookie: `theme=dark.text=large.lang=ka`; unknown words are dropped."""
    allowed = {"theme": THEMES, "text": ("large",), "lang": tuple(LANGUAGES)}
    pairs = (part.partition("=") for part in request.cookies.get(LOOK_COOKIE, "")[:100].split("."))
    return {key: value for key, _, value in pairs if value in allowed.get(key, ())}


def screen_of(request: AnyRequest) -> Joined | None:
    """Tell what a browser carries that is a counter's second screen; its row says whether it still is.

    None for any other, and for one in which somebody signed in: what is theirs and what is everybody's stays apart.
    """
    config, visitor = house_of(request).config, visitor_of(request)
    return None if visitor.signed_in else open_joined(config.secret, request.cookies.get(config.screen_cookie_name, ""))


def context(request: AnyRequest, lang: str) -> dict[str, Any]:
    """Gather what every template may use; nothing here asks the database."""
    house, visitor, look = house_of(request), visitor_of(request), _look(request)
    query = request.scope["query_string"].decode("latin-1")
    here = request.scope["path"] + (f"?{query}" if query else "")

    def url(name: str, /, **params: object) -> str:
        """Give the address of a route, in the reader's language."""
        return request.app.route_reverse(name, lang=lang, **params)

    def in_language(code: str) -> str:
        """Give this page's address in another language."""
        path = request.scope["path"]
        rest = path.lstrip("/").partition("/")[2] if path.lstrip("/").partition("/")[0] in LANGUAGES else ""
        return f"/{code}/{rest}" + (f"?{query}" if query else "")

    return {
        "lang": lang,
        "direction": "rtl" if lang in RIGHT_TO_LEFT else "ltr",
        "languages": [
            {"code": code, "name": name, "href": in_language(code), "current": code == lang}
            for code, name in LANGUAGES.items()
        ],
        "theme_class": " ".join(f"{key}-{look[key]}" for key in ("theme", "text") if key in look),
        "look": look,
        "save_data": request.headers.get("save-data") == "on",
        "asset": asset,
        "url": url,
        "text_in": lambda texts: text_in(texts, lang),
        "organisation": _organisation(house.known_host, lang),
        "visitor": visitor,
        "on_screen": screen_of(request) is not None,
        "csrf": FormToken(visitor),
        "path": request.scope["path"],
        "here": here,
        "protected": house.config.secure,
        "demonstration": house.config.demonstration,
        "provider": house.config.oidc_name if house.provider else "",
        "single_handed": house.known_host is not None and house.known_host.single_handed,
        "notice": _notice(request, lang),
        "nav": _menu(request, lang),
        "moment": moment_filter(lang, house.known_host.zone if house.known_host else "UTC"),
        "base_url": house.config.base_url,
    }


class FormToken:
    """The token of this browser's forms, made when a template writes it down: a page without forms sets no cookie."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor

    def __html__(self) -> str:
        """Write the token."""
        return self._visitor.form_token()

    __str__ = __html__


def _organisation(host: Organisation | None, lang: str) -> dict[str, str]:
    if host is None:
        return {"name": "Khma", "short_name": "Khma", "summary": ""}
    name = text_in(host.names, lang)
    return {"name": name, "short_name": name, "summary": text_in(host.summaries, lang)}


def _notice(request: AnyRequest, lang: str) -> dict[str, str] | None:
    """Tell what just happened, by a word in the address; unknown words say nothing."""
    done = request.query_params.get("done")
    return {"kind": "done", "text": words(lang, f"done.{done}", {})} if done in NOTICES else None


def _menu(request: AnyRequest, lang: str) -> list[dict[str, object]]:
    """Make the main menu, of the pages this visitor may use."""
    _ = translations(lang).gettext
    entries = [
        ("votes.index", _("Votes")),
        ("results.index", _("Results")),
        ("services.index", _("Services")),
        ("ledger.index", _("Public log")),
        ("manage.home", _("Manage")),
    ]
    path = request.scope["path"]
    menu: list[dict[str, object]] = []
    for route, text in entries:
        if visitor_of(request).may(route):
            href = request.app.route_reverse(route, lang=lang)
            menu.append({"href": href, "text": text, "current": path == href or path.startswith(f"{href}/")})
    return menu


def wants_piece(request: AnyRequest) -> bool:
    """Tell whether htmx asks for a piece of a page; a whole body, or a page of its history, is a page."""
    headers = request.headers
    return (
        headers.get("hx-request") == "true"
        and headers.get("hx-request-type") != "full"
        and headers.get("hx-history-restore-request") != "true"
    )


async def page(request: AnyRequest, template: str, status: int = 200, **given: object) -> Response[str]:
    """Answer with a page in the reader's language; what is given is named as `rendered` says."""
    await house_of(request).host()
    return rendered(request, template, status, **given)


def rendered(request: AnyRequest, template: str, status: int = 200, **given: object) -> Response[str]:
    """Answer with a page, without asking the database anything.

    error: what was wrong with a form, or None; the template finds its sentence in `errors`, and by field in `wrong`.
    """
    lang = language_of(request)
    error = given.get("error")
    errors = [{"field": error.field or "", "text": explain(lang, error)}] if isinstance(error, DomainError) else []
    if isinstance(error, Forbidden):
        note_refusal(request, error.code)
    given |= {"errors": errors, "wrong": {each["field"]: each["text"] for each in errors}}
    text = environment(lang).get_template(template).render(context(request, lang) | given)
    headers = {"Content-Language": lang}
    body: Any = text
    # A page that holds a token is never compressed: its length would tell about it (BREACH).
    if not visitor_of(request).cookie and "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = gzip.compress(text.encode(), 6, mtime=0), "gzip"
    return Response(body, status_code=status, media_type=MediaType.HTML, headers=headers)


def note_refusal(request: AnyRequest, code: str) -> None:
    """Have the log's line of this request say why it was refused; where people vote, by the door's own words alone."""
    handler = request.scope.get("route_handler")
    if code.startswith("door.") or not str(handler and handler.name).startswith(NEAR_THE_BOX):
        request.scope["state"]["refused"] = code


def onward(request: AnyRequest, route: str, done: str | None = None, **params: object) -> Response[str]:
    """Send the browser to a page after a form was dealt with, so that loading it again sends nothing again."""
    place = request.app.route_reverse(route, lang=language_of(request), **params)
    return go(request, f"{place}?done={done}" if done else place)


def go(request: AnyRequest, place: str) -> Response[str]:
    """Send the browser to an address of ours; htmx is told in its own way."""
    if wants_piece(request):
        return Response("", status_code=200, headers={"HX-Redirect": place}, media_type=MediaType.HTML)
    return Response("", status_code=303, headers={"Location": place}, media_type=MediaType.HTML)


def page_number(request: AnyRequest) -> int:
    """Read which page of a list is wanted; anything that is no number means the first."""
    wanted = request.query_params.get("page", "")
    return max(1, int(wanted)) if wanted.isascii() and wanted.isdigit() and len(wanted) < 7 else 1


def safe_place(wanted: str, request: AnyRequest) -> str:
    """Keep only a wish to go to a page of ours: a plain path with a language in front; else home."""
    try:
        parts = urlsplit(wanted)
    except ValueError:  # such as //[
        return f"/{language_of(request)}"
    plain = wanted.isascii() and wanted.isprintable() and "\\" not in wanted and not parts.scheme and not parts.netloc
    if plain and wanted.startswith("/") and parts.path.split("/")[1] in LANGUAGES:
        return wanted
    return f"/{language_of(request)}"


def arrival_of(request: AnyRequest, *, proved: bool) -> Arrival:
    """Gather by which door somebody comes in. proved: they showed their second factor."""
    before, device = visitor_of(request).session_token, device_of(request)
    return Arrival(before, browser_of(request), device, language_of(request), proved)


def come_in(request: AnyRequest, answer: Response[str], token: str, arrival: Arrival) -> Response[str]:
    """Give the browser the cookie of its new session, and the one by which it is known again."""
    house = house_of(request)
    visitor_of(request).sign_in(token)
    keep_cookie(request, house.config.device_cookie_name, arrival.device, DEVICE_KNOWN_FOR)
    return answer


def ask_for_code(request: AnyRequest, account: Account, wanted: str, moment: datetime) -> Response[str]:
    """Let somebody go on to the code of their second factor; until it comes, nobody is signed in."""
    house, cookie = house_of(request), visitor_of(request).cookie
    halfway = Halfway(account.id, mark_of(account.password_hash))
    place = request.app.route_reverse("factors.code", lang=language_of(request))
    keep_cookie(
        request,
        house.config.halfway_cookie_name,
        seal_halfway(house.config.secret, cookie, halfway, moment),
        VALID_FOR,
    )
    return go(request, f"{place}?{urlencode({'next': wanted})}" if wanted else place)


def first_page(request: AnyRequest, roles: Roles, wanted: str) -> Response[str]:
    """Show somebody who came in where they wanted to go, else their desk."""
    if wanted:
        return go(request, safe_place(wanted, request))
    return onward(request, "manage.home" if may("manage.home", roles) else "accounts.me")
