"""A visitor reads a result, fetches its files and counts them again; and sees what a first visit costs."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from app.config import LANGUAGES
from tests.plumbing.browser import opened_page
from tests.plumbing.server import ROOT
from tests.plumbing.town import RunningTown

SLUG = "debian-project-leader-2007"
VOTES = ROOT.parent / "shared" / "data" / "votes"
VECTORS = ROOT / "tests" / "vectors" / "archive-v0" / "sound"
LIMIT, LIMIT_WITHOUT_FONTS = 120_000, 60_000
needs_votes = pytest.mark.skipif(not VOTES.exists(), reason="the real votes are not here")


def khma(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command of Khma as a stranger would."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def fetched(chromium: Browser, town: RunningTown, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Go from the front page to the files by clicks alone, and keep the zip as a browser keeps it."""
    path = tmp_path_factory.mktemp("fetched") / f"{SLUG}.zip"
    with opened_page(chromium, town.base) as page:
        page.goto("/en")
        page.locator(".card").get_by_role("link", name="Read why").click()
        assert page.locator("h1").inner_text() == "Sam Hocevar comes first."
        assert "211" in page.locator(".order").inner_text()
        page.get_by_role("link", name="Recount it yourself").click()
        assert page.url.endswith(f"/en/results/{SLUG}#recount")
        page.wait_for_function(
            "async address => (await fetch(address)).ok", arg=f"/archive/{SLUG}/ledger.json", polling=200
        )
        with page.expect_download() as download:
            page.get_by_role("link", name="All files, zip").click()
        download.value.save_as(path)
    return path


def test_a_stranger_recounts_the_zip_and_the_address(fetched: Path, town: RunningTown) -> None:
    for archive in (fetched, f"{town.base}/archive/{SLUG}"):
        done = khma("verify", archive)
        assert (done.returncode, done.stderr) == (0, "")


def changed(text: bytes) -> bytes:
    """Change one byte in the middle of a file: a figure or letter becomes its neighbour."""
    places = [match.start() for match in re.finditer(rb"[0-8a-eA-E]", text)]
    place = places[len(places) // 2]
    return text[:place] + bytes([text[place] + 1]) + text[place + 1 :]


def test_one_changed_byte_in_any_file_is_named(fetched: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(fetched) as pack:
        pack.extractall(tmp_path)
    sound = tmp_path / SLUG
    names = sorted(path.name for path in sound.iterdir())
    assert {"SHA256SUMS", "ballots.abif", "card.json", "ledger.json", "result.json"} <= set(names)
    for name in names:
        spoiled = Path(shutil.copytree(sound, tmp_path / "spoiled", dirs_exist_ok=True))
        (spoiled / name).write_bytes(changed((sound / name).read_bytes()))
        done = khma("verify", spoiled)
        assert done.returncode == 1, name
        assert re.search(rf"^{re.escape(name)}\b.*\d", done.stdout, re.MULTILINE), done.stdout


@needs_votes
@pytest.mark.parametrize(
    ("file", "holds"),
    [
        ("debian-2007_tally.txt", lambda found: found["pairwise"]["Sam Hocevar"]["Steve McIntyre"] == 211),
        ("debian-2007_tally.txt", lambda found: found["pairwise"]["Steve McIntyre"]["Sam Hocevar"] == 203),
        ("tideman-A10.cvotes", lambda found: ["10", "2"] in [sorted(place) for place in found["order"]]),
    ],
)
def test_a_real_vote_is_counted_as_it_was_published(file: str, holds: Callable[[dict[str, Any]], bool]) -> None:
    done = khma("count", "--rule", "schulze", "--json", VOTES / file)
    assert done.returncode == 0
    assert holds(json.loads(done.stdout))


def test_the_committed_vote_is_counted_as_it_was_published() -> None:
    done = khma("count", "--rule", "schulze", "--json", VECTORS / "ballots.abif")
    published = json.loads((VECTORS / "result.json").read_bytes())
    assert json.loads(done.stdout) == published | {"rounds": None}  # archives say so by an empty list


def visit(chromium: Browser, town: RunningTown, path: str, **headers: str) -> dict[str, int]:
    """Visit a page for the first time. Returns the bytes that came over the wire, by address, as the browser counts."""
    addresses: dict[str, str] = {}
    bytes_of: dict[str, int] = {}
    with opened_page(chromium, town.base, language=path[1:3], extra_http_headers=headers) as page:
        wire = page.context.new_cdp_session(page)
        wire.on("Network.requestWillBeSent", lambda told: addresses.update({told["requestId"]: told["request"]["url"]}))
        wire.on(
            "Network.loadingFinished",
            lambda told: bytes_of.update({told["requestId"]: int(told["encodedDataLength"])}),
        )
        wire.send("Network.enable")
        page.goto(path, wait_until="networkidle")
    return {addresses[each]: size for each, size in bytes_of.items() if not addresses[each].startswith("data:")}


SCRIPTS = {"en": "latin", "fr": "latin", "ka": "georgian", "ar": "arabic"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rest", ["", f"/results/{SLUG}"])
def test_a_first_visit_is_small_and_fetches_the_fonts_of_its_script(
    chromium: Browser, town: RunningTown, language: str, rest: str
) -> None:
    loaded = visit(chromium, town, f"/{language}{rest}")
    fonts = {address.rpartition("/")[2]: size for address, size in loaded.items() if address.endswith(".woff2")}
    assert len(loaded) > 4
    assert sum(loaded.values()) <= LIMIT
    assert sum(loaded.values()) - sum(fonts.values()) <= LIMIT_WITHOUT_FONTS
    used = {name.split("-")[1] for name in fonts if name.startswith("firago-")}
    assert used <= {"latin", "names", SCRIPTS[language]}
    assert SCRIPTS[language] in used


def test_a_reader_who_saves_data_gets_no_font(chromium: Browser, town: RunningTown) -> None:
    loaded = visit(chromium, town, "/ka", **{"Save-Data": "on"})
    assert [address for address in loaded if "font" in address] == []
    assert sum(loaded.values()) <= LIMIT_WITHOUT_FONTS
