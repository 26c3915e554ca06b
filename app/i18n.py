"""Four languages: which one a reader gets, and the templates, sentences, numbers and dates in it.

English is written in the sources; French, Georgian and Arabic stand in `app/locale/<code>.po` and are compiled when the
house starts, so that no compiled copy can differ from the text. One Jinja environment a language: nothing to switch.
"""

import gettext
import io
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, get_timezone_name
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.config import LANGUAGES, ROOT
from commons.errors import DomainError
from polls.eligibility.telling import tell

FALLBACK = "en"
COMMA = {"ar": "، "}
LOCALES = {"en": "en_GB", "fr": "fr", "ka": "ka", "ar": "ar_MA"}  # ar_MA writes Western digits


@cache
def translations(language: str) -> gettext.NullTranslations:
    """Compile the catalogue of one language; English needs none."""
    if language == FALLBACK:
        return gettext.NullTranslations()
    path = ROOT / "app" / "locale" / f"{language}.po"
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def environment(language: str) -> Environment:
    """Make the Jinja environment that speaks one language."""
    env = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    env.policies["ext.i18n.trimmed"] = True
    locale = Locale.parse(LOCALES[language])
    env.filters |= {
        "number": lambda value: format_decimal(value, locale=locale),
        "percent": lambda share: format_percent(share, locale=locale),
        "day": lambda day: format_date(day, format="long", locale=locale),
    }
    env.filters["rule"] = tell
    return env


def moment_filter(language: str, zone: str) -> Callable[[datetime], str]:
    """Make the filter that writes an instant in the organisation's zone, and names the zone."""
    locale, where = Locale.parse(LOCALES[language]), ZoneInfo(zone)

    def moment(instant: datetime) -> str:
        local = instant.astimezone(where)
        named = get_timezone_name(local, locale=locale)
        day, hour = (format_datetime(local, format=part, locale=locale) for part in ("d MMMM y", "HH:mm"))
        return f"{day}{COMMA.get(language, ', ')}{hour} ({named})"

    return moment


def words(language: str, code: str, facts: Mapping[str, str | int]) -> Markup:
    """Say one error in a language; the sentences stand in `templates/macros/words.html`, by code.

    Raises: LookupError when no sentence is written for the code (a test asks for every code).
    """
    module = environment(language).get_template("macros/words.html").module
    sentence = str(module.words(code, facts)).strip()  # type: ignore[attr-defined]
    if not sentence:
        raise LookupError(code)
    return Markup(sentence)  # noqa: S704 - the template has escaped what it was given


def explain(language: str, error: DomainError) -> Markup:
    """Say what a domain error means and what to do, in a language."""
    return words(language, error.code, error.facts)


def choose(saved: str | None, accepted: str | None) -> str:
    """Choose a language: the reader's saved choice, else the best of Accept-Language, else English.

    accepted: the header as sent, for example `ka, en;q=0.8`.
    """
    if saved in LANGUAGES:
        return saved
    wishes: list[tuple[float, int, str]] = []
    for place, part in enumerate((accepted or "").split(",")[:20]):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        language = tag.strip().lower().split("-")[0]
        if language in LANGUAGES and weight > 0:
            wishes.append((-weight, place, language))
    return min(wishes)[2] if wishes else FALLBACK
