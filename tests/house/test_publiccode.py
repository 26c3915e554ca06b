"""The file by which public catalogues find this program: complete by its standard, and true."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.config import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
STATUSES = {"concept", "development", "beta", "stable", "obsolete"}


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "publiccode.yml").read_text("utf-8"))
    return content


def test_all_that_the_standard_demands_is_there(told: dict[str, Any]) -> None:
    """Source: publiccode.yml 0.5, core schema."""
    assert told["publiccodeYmlVersion"] == "0.5"
    assert re.fullmatch(r"https://\S+", told["url"])
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", told["releaseDate"])
    assert told["platforms"] == ["web"]
    assert told["softwareType"] == "standalone/web"
    assert told["developmentStatus"] in STATUSES
    assert told["maintenance"]["type"] == "community"
    assert all(contact["name"] for contact in told["maintenance"]["contacts"])
    assert isinstance(told["localisation"]["localisationReady"], bool)
    for words in told["description"].values():
        assert len(words["genericName"]) <= 35
        assert 0 < len(words["shortDescription"]) <= 150
        assert 150 <= len(words["longDescription"]) <= 10_000
        assert words["features"]


def test_it_says_the_same_as_the_program(told: dict[str, Any]) -> None:
    assert told["name"].lower() == PROJECT["name"]
    assert told["softwareVersion"] == PROJECT["version"]
    assert told["legal"]["license"] == PROJECT["license"]
    assert set(told["localisation"]["availableLanguages"]) == set(LANGUAGES)
    python = {part["name"]: part for part in told["dependsOn"]["open"]}["Python"]
    assert PROJECT["requires-python"] == f">={python['versionMin']}"


def test_the_licence_is_the_whole_text() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert text.startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2\n")
    assert [int(number) for number in re.findall(r"^(\d+)\.", text, re.MULTILINE)] == list(range(1, 16))
    assert re.search(r"^ *Appendix$", text, re.MULTILINE)
