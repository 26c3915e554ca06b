"""What is written about the program is true: its commands, its settings, its decisions, its words, its links."""

import re
from pathlib import Path

import pytest

from app.cli.main import COMMANDS, HELP
from app.config import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
DECISIONS = sorted((DOCS / "adr").glob("*.md"))
OPERATING = (DOCS / "operating.md").read_text("utf-8")
GLOSSARY = (DOCS / "glossary.md").read_text("utf-8")
LONGEST_DECISION = 40
PARTS = ["Context", "Decision", "Consequences"]

CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]+`", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"(?<![\w/-])(?:\./|/srv/khma/)?khma ([a-z]+)")
SETTING = re.compile(r"\bKHMA_(?!TEST_)[A-Z_]+\b")
LINK = re.compile(r"\]\(([^)\s]+)\)|\b(?:src|href)=\"([^\"]+)\"")
HTMX = re.compile(r"\bhx-[a-z]+(?:[-:][a-z]+)*")
TERM = re.compile(r"^\| (.+?) ([●○]) \|", re.MULTILINE)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def commands_in(text: str) -> set[str]:
    """Find the commands of khma that a page shows in code."""
    return {word for code in CODE.findall(text) for word in COMMAND.findall(code)}


def dead_links(page: Path, text: str) -> list[str]:
    """Find links of a page to files that are not there."""
    targets = [target.partition("#")[0] for pair in LINK.findall(text) for target in pair if target]
    near = [target for target in targets if target and not re.match(r"[a-z]+:", target)]
    return [target for target in near if not (page.parent / target).exists()]


def terms_in(text: str) -> list[str]:
    """List the terms of a glossary table in their order."""
    return [term for term, _ in TERM.findall(text)]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_shown_exists(page: Path) -> None:
    assert commands_in(page.read_text("utf-8")) - set(COMMANDS) == set()


def test_the_readme_shows_the_two_commands() -> None:
    assert commands_in((ROOT / "README.md").read_text("utf-8")) >= {"demo", "test"}


def test_every_command_is_described() -> None:
    assert set(COMMANDS) - commands_in(OPERATING) == set()
    assert set(COMMANDS) - set(re.findall(r"^  khma ([a-z]+)", HELP, re.MULTILINE)) == set()


def test_every_setting_is_described_and_no_other() -> None:
    read = set(SETTING.findall((ROOT / "app" / "config.py").read_text("utf-8")))
    described = set(re.findall(r"^\| `(KHMA_[A-Z_]+)` \|", OPERATING, re.MULTILINE))
    assert "KHMA_SECRET" in read
    assert described == read
    assert set(SETTING.findall(OPERATING)) == read


def test_both_units_say_whom_they_may_speak_to_and_have_the_secret_handed_over() -> None:
    units = re.findall(r"^# /etc/systemd/system/khma-(serve|worker)\.service\n(.*?)^```", OPERATING, re.M | re.S)
    assert [name for name, _ in units] == ["serve", "worker"]
    for _, text in units:
        lines = set(text.splitlines())
        assert lines >= {"IPAddressDeny=any", "IPAddressAllow=localhost", "LoadCredential=secret:/etc/khma/secret"}
        assert lines >= {"ProtectSystem=strict", "NoNewPrivileges=yes", "UMask=0077"}


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("path", DECISIONS, ids=name)
def test_a_decision_is_short_and_whole(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) <= LONGEST_DECISION
    assert lines[0].startswith(f"# {path.name[:4]} ")
    assert [line[3:] for line in lines if line.startswith("## ")] == PARTS


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert dead_links(page, page.read_text("utf-8")) == []


def test_every_htmx_attribute_in_use_is_on_the_list_for_the_way_back() -> None:
    used = {word for path in (ROOT / "templates").rglob("*.html") for word in HTMX.findall(path.read_text("utf-8"))}
    listed = {word for path in DECISIONS if "htmx" in path.name for word in HTMX.findall(path.read_text("utf-8"))}
    assert used - listed == set()


def test_the_glossary_is_sorted_and_says_a_thing_once() -> None:
    terms = terms_in(GLOSSARY.partition("## Terms")[2])
    assert len(terms) > 50
    assert terms == sorted(terms, key=str.casefold)
    assert len(set(terms)) == len(terms)


def test_every_line_of_the_glossary_says_whether_it_exists() -> None:
    rows = [
        line for line in GLOSSARY.splitlines() if line.startswith("| ") and not line.startswith(("| word", "| term"))
    ]
    assert [row for row in rows if not TERM.match(row)] == []


def test_every_language_has_its_line_and_its_catalogue() -> None:
    text = (DOCS / "translations.md").read_text("utf-8")
    assert re.findall(r"^\| `([a-z]+)` \|", text, re.MULTILINE) == list(LANGUAGES)
    for catalogue in re.findall(r"`(app/locale/[a-z]+\.po)` \|", text):
        assert (ROOT / catalogue).exists()


def test_what_is_not_so_would_be_found() -> None:
    """The finders find: a rule that no longer bites is noticed."""
    assert commands_in(
        "run `khma fly`, or\n```\n./khma swim --far\n/srv/khma/khma dive\ngit -C /srv/khma pull\n```\nkhma is"
    ) == {
        "fly",
        "swim",
        "dive",
    }
    page = ROOT / "README.md"
    text = '[a](docs/nowhere.md#b) [c](https://far.example/d) [e](#f) [g](khma) <img src="docs/no.png">'
    assert dead_links(page, text) == ["docs/nowhere.md", "docs/no.png"]
    assert terms_in("| b ● | x |\n| a ○ | y |\n| c | z |") == ["b", "a"]
    assert SETTING.findall("KHMA_SECRET and KHMA_TEST_FULL") == ["KHMA_SECRET"]
    assert HTMX.findall('<p hx-get="/a" hx-headers:inherited="{}" hx-swap-oob="true" hx-x="">') == [
        "hx-get",
        "hx-headers:inherited",
        "hx-swap-oob",
        "hx-x",
    ]
