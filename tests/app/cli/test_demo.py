"""The demonstration proves itself: a fresh town is built, walked through, and taken down."""

import json
import re
import stat
import time
from pathlib import Path

import pytest

from app.cli.demo import FOLDER, demo_config
from app.config import Config, check, load
from tests.app.cli.program import khma_process


def test_a_fresh_town_is_built_and_walked_through(record_property: pytest.FixtureRequest) -> None:
    began = time.monotonic()
    said = khma_process({}, "demo", "--check")
    record_property("seconds", round(time.monotonic() - began, 1))  # type: ignore[operator]
    assert said.returncode == 0, said.stdout + said.stderr
    assert len(re.findall(r"^  ok  ", said.stdout, re.M)) >= 6
    assert said.stdout.endswith("All is well.\n")


def test_a_demonstration_keeps_its_secret_to_itself(tmp_path: Path) -> None:
    first, second = demo_config(tmp_path / "demo", 8000), demo_config(tmp_path / "demo", 8001)
    assert first.secret == second.secret
    assert len(first.secret) == 64
    assert stat.S_IMODE((tmp_path / "demo" / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "demo").stat().st_mode) == 0o700
    assert first.secret != demo_config(tmp_path / "other", 8000).secret
    assert json.dumps(first.base_url) == '"http://127.0.0.1:8000"'


def test_a_demonstration_takes_no_setting_and_no_other_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator's settings are in the environment; the demonstration must not write into that database."""
    for name in re.findall(r'"(KHMA_[A-Z_]+)"', Path(load.__code__.co_filename).read_text("utf-8")):
        monkeypatch.setenv(name, "postgresql://khma_app@127.0.0.1/khma")
    config = demo_config(tmp_path / "demo", 8000)
    assert config == Config(
        database_url=f"sqlite:///{tmp_path}/demo/khma.sqlite3", base_url="http://127.0.0.1:8000",
        secret=config.secret, data=tmp_path / "demo", keys=tmp_path / "demo" / "keys", demonstration=True,
    )  # fmt: skip
    assert list(check(config)) == []
    refused = khma_process({}, "demo", "--folder", str(tmp_path))
    assert (refused.returncode, "unrecognized arguments" in refused.stderr) == (2, True)
    assert Path("var", "demo").resolve() == FOLDER.resolve()  # its own, below the program


def test_a_port_that_is_taken_is_named() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = khma_process({}, "demo", "--port", str(port))
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == f"khma: port {port} is taken; try: khma demo --port {port + 1}\n"
