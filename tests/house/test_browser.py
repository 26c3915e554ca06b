"""The browser of the tests is real: it finds planted faults, and can be narrow, dark, foreign and without scripts."""

from playwright.sync_api import Browser

from tests.plumbing.browser import axe, opened_page, overflows

SOUND = "<html lang='en'><title>Sound</title><main><h1>Sound</h1><p>Words.</p></main></html>"
FAULTY = "<html><title>Faulty</title><main><h1>Faulty</h1><img src='data:,'></main></html>"
WIDE = "<html lang='en'><title>Wide</title><main style='width:700px'><h1>Wide</h1></main></html>"


def test_axe_finds_what_is_planted_and_nothing_else(chromium: Browser) -> None:
    with opened_page(chromium) as page:
        page.set_content(SOUND)
        assert axe(page) == []
        page.set_content(FAULTY)
        assert {found["rule"] for found in axe(page)} == {"html-has-lang", "image-alt"}


def test_a_page_knows_its_width_its_theme_its_language_and_whether_scripts_run(chromium: Browser) -> None:
    with opened_page(chromium, width=320, dark=True, language="ka") as page:
        page.set_content(WIDE)
        assert overflows(page)
        assert page.evaluate("[matchMedia('(prefers-color-scheme: dark)').matches, navigator.language]") == [True, "ka"]
        page.set_content(SOUND)
        assert not overflows(page)
    with opened_page(chromium, javascript=False) as page:
        page.set_content("<noscript><p>Without scripts</p></noscript>")
        assert page.get_by_text("Without scripts").is_visible()
