"""Which language a reader gets, and how moments are written for them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import LANGUAGES, ROOT
from app.i18n import LOCALES, choose, environment, moment_filter, translations

WRITTEN = [code for code in LANGUAGES if code == "en" or (ROOT / "app" / "locale" / f"{code}.po").exists()]


@pytest.mark.parametrize(
    ("saved", "accepted", "chosen"),
    [
        (None, None, "en"),
        (None, "", "en"),
        ("ka", "fr", "ka"),
        ("xx", "fr", "fr"),
        (None, "fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        (None, "de, ka;q=0.3, ar;q=0.5", "ar"),
        (None, "en;q=0.1, ka", "ka"),
        (None, "ka;q=0, fr;q=0.1", "fr"),
        (None, "AR-eg", "ar"),
        (None, "*", "en"),
        (None, "de;q=high, fr;q=0.2", "fr"),
        (None, "fr;q=0.5, ka;q=0.5", "fr"),
        (None, ";q=1,,;;", "en"),
    ],
)
def test_the_language_of_a_reader(saved: str | None, accepted: str | None, chosen: str) -> None:
    assert choose(saved, accepted) == chosen


@given(st.text(max_size=300), st.text(max_size=10))
def test_whatever_a_browser_says_there_is_a_language(accepted: str, saved: str) -> None:
    assert choose(saved, accepted) in LANGUAGES


def test_a_very_long_wish_is_not_read_to_its_end() -> None:
    assert choose(None, "de," * 100_000 + "fr") == "en"


@pytest.mark.parametrize(
    ("zone", "instant", "said"),
    [
        ("Asia/Tbilisi", datetime(2026, 1, 31, 12, tzinfo=UTC), "31 January 2026, 16:00 (Georgia Standard Time)"),
        (
            "Europe/Paris",
            datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
            "29 March 2026, 01:59 (Central European Standard Time)",
        ),
        (
            "Europe/Paris",
            datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
            "29 March 2026, 03:00 (Central European Summer Time)",
        ),
        (
            "Europe/Paris",
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
            "25 October 2026, 02:30 (Central European Summer Time)",
        ),
        (
            "Europe/Paris",
            datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
            "25 October 2026, 02:30 (Central European Standard Time)",
        ),
        ("UTC", datetime(2026, 12, 31, 23, 59, tzinfo=UTC), "31 December 2026, 23:59 (Coordinated Universal Time)"),
    ],
)
def test_a_moment_in_the_organisations_zone_names_the_zone(zone: str, instant: datetime, said: str) -> None:
    assert moment_filter("en", zone)(instant) == said


@pytest.mark.parametrize("lang", list(LANGUAGES))
def test_both_sides_of_a_change_of_clocks_differ_in_every_language(lang: str) -> None:
    moment = moment_filter(lang, "Europe/Paris")
    early, late = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert "02:30" in moment(early)
    assert "02:30" in moment(late)
    assert moment(early) != moment(late)


def test_numbers_in_every_language() -> None:
    said = {lang: environment(lang).from_string("{{ 1234567|number }} {{ 0.5|percent }}").render() for lang in WRITTEN}
    assert said["en"] == "1,234,567 50%"
    assert set(LOCALES) == set(LANGUAGES)
    if "fr" in said:
        assert said["fr"] == "1\u202f234\u202f567 50\xa0%"
    if "ar" in said:
        assert all(each.isascii() for each in said["ar"] if each.isdigit())  # Western digits, as in Morocco


@pytest.mark.parametrize("lang", WRITTEN)
def test_a_translation_is_escaped_where_it_meets_what_people_wrote(lang: str) -> None:
    text = environment(lang).from_string("{% trans name %}Hello {{ name }}{% endtrans %}{{ name }}").render(name="<b>")
    assert "<b>" not in text
    assert "&lt;b&gt;" in text


def test_english_is_written_in_the_sources() -> None:
    assert translations("en").gettext("Sign in") == "Sign in"
    for lang in WRITTEN[1:]:
        assert translations(lang).gettext("Sign in") != "Sign in"
