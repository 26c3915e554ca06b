"""One line a record, whatever is in it, and no word of what somebody sent."""

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.log import JsonLines, set_up


def line_of(message: str, *arguments: object, exc_info: object = None, **extra: object) -> dict[str, object]:
    record = logging.LogRecord("khma.door", logging.ERROR, "door.py", 7, message, arguments, exc_info)  # type: ignore[arg-type]
    record.__dict__.update(extra)
    text = JsonLines().format(record)
    assert len(text.splitlines()) == 1
    parsed: dict[str, object] = json.loads(text)
    return parsed


def test_a_record_is_one_line_of_json() -> None:
    line = line_of("job done", job="ledger.sequence", seconds=0.5)
    assert line.pop("at")
    assert line == {
        "level": "error", "logger": "khma.door", "event": "job done", "job": "ledger.sequence", "seconds": 0.5,
    }  # fmt: skip


@given(st.text(max_size=200))
def test_no_text_makes_a_second_line(text: str) -> None:
    assert line_of("said %s", text)["event"] == f"said {text}"


def test_a_forged_line_stays_inside_its_own() -> None:
    assert line_of('x\r\n{"level": "info", "event": "signed in"}\u2028\u2029\x85\x0b')["level"] == "error"


def test_what_is_not_on_the_list_is_not_written() -> None:
    line = line_of("x", email="CANARY", password="CANARY", cookie="CANARY", path="/CANARY", route="home")
    assert line["route"] == "home"
    assert "CANARY" not in json.dumps(line)


def test_a_bug_names_its_kind_and_place_and_never_its_words() -> None:
    try:
        raise ValueError("CANARY")
    except ValueError as bug:
        line = line_of("bug", exc_info=(type(bug), bug, bug.__traceback__))
    assert line["exception"] == "ValueError"
    assert str(line["at_lines"]).startswith("['test_log.py:")
    assert "CANARY" not in json.dumps(line)


def test_the_libraries_are_heard_from_warnings_on_only(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, root = io.StringIO(), logging.getLogger()
    before, level, own = root.handlers[:], root.level, logging.getLogger("khma").level
    monkeypatch.setattr("sys.stderr", heard)
    try:
        set_up()
        logging.getLogger("sqlalchemy.engine").info("SELECT CANARY")
        logging.getLogger("httpx").info("GET CANARY")
        logging.getLogger("khma.worker").info("job done")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        logging.getLogger("khma").setLevel(own)
    assert [json.loads(line)["event"] for line in heard.getvalue().splitlines()] == ["job done"]
