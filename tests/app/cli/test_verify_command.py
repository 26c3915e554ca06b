"""`khma verify`: a folder, a zip, a web address; a changed byte in each; and packs that mean harm."""

import io
import shutil
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from app.cli.verify import verify
from results.archive import BALLOTS, LEDGER, SUMS

SOUND = Path(__file__).parents[2] / "vectors" / "archive-v0" / "sound"
KEY = (SOUND.parent / "verifier-key.txt").read_text().strip()


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and sends whoever asks for "elsewhere" to a file on this machine."""

    def do_GET(self) -> None:
        if self.path.startswith("/elsewhere"):
            self.send_response(302)
            self.send_header("Location", "ftp://127.0.0.1/SHA256SUMS")
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SOUND, tmp_path / "archive"))


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder.parent)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/archive"
    server.shutdown()
    thread.join()
    server.server_close()


def spoil(folder: Path) -> None:
    ballots = (folder / BALLOTS).read_bytes()
    (folder / BALLOTS).write_bytes(ballots.replace(b"5:c1>c2", b"6:c1>c2"))


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, data in entries.items():
            pack.writestr(name, data)
    return path


def test_a_folder_holds_until_one_byte_changes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify([str(folder), "--key", KEY]) == 0
    assert "signed by khma.example/log+d5065b4a. All files hold." in capsys.readouterr().out
    spoil(folder)
    assert verify([str(folder), "--key", KEY]) == 1
    assert "ballots.abif: line 6: expected a line with the hash" in capsys.readouterr().out


def test_files_are_fetched_from_a_web_address(folder: Path, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify([address, "--key", KEY]) == 0
    assert verify([f"{address}/"]) == 0
    (folder / LEDGER).unlink()
    capsys.readouterr()
    assert verify([address]) == 0
    assert "Not yet in the ledger" in capsys.readouterr().out
    spoil(folder)
    assert verify([address]) == 1
    (folder / BALLOTS).unlink()
    assert verify([address]) == 1
    assert "ballots.abif: expected a file, found nothing" in capsys.readouterr().out


def test_a_list_that_names_other_places_is_refused(
    folder: Path, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("../../secret", "/etc/passwd", "a/b", "", ".hidden", "x" * 200):
        (folder / SUMS).write_text(f"{'0' * 64}  {name}\n")
        assert verify([address]) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("made", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://127.0.0.1:1/x", "http://[::1/x"])
def test_other_addresses_and_silent_servers_are_told_in_one_line(made: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify([made]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_no_redirect_leads_off_the_web(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify([address.replace("/archive", "/elsewhere")]) == 2
    assert "302 Found" in capsys.readouterr().err


@pytest.mark.parametrize("inside", ["", "what-comes-first/"])
def test_a_zip_holds_until_one_byte_changes(tmp_path: Path, inside: str, capsys: pytest.CaptureFixture[str]) -> None:
    entries = {f"{inside}{path.name}": path.read_bytes() for path in SOUND.iterdir()}
    assert verify([str(zipped(tmp_path / "sound.zip", entries)), "--key", KEY]) == 0
    entries[f"{inside}{BALLOTS}"] += b"1:c2\n"
    assert verify([str(zipped(tmp_path / "spoiled.zip", entries)), "--key", KEY]) == 1
    assert "ballots.abif: number of lines" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ({"../card.json": b""}, 1),  # only the name counts: it is unpacked into our own folder
        ({"a/card.json": b"", "b/ballots.abif": b""}, 2),
        ({f"file-{number}": b"" for number in range(30)}, 2),
        ({"card.json\n": b""}, 2),
    ],
)
def test_a_zip_that_means_harm_is_refused(
    tmp_path: Path, entries: dict[str, bytes], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify([str(zipped(tmp_path / "harm.zip", entries))]) == code
    assert sorted(path.name for path in tmp_path.iterdir()) == ["harm.zip"]
    assert "Traceback" not in capsys.readouterr().err


def test_a_zip_that_swells_is_not_unpacked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as pack, pack.open(BALLOTS, "w") as file:
        for _ in range(201):
            file.write(bytes(1_000_000))
    assert verify([str(tmp_path / "bomb.zip")]) == 2
    assert "200" in capsys.readouterr().err


@pytest.mark.parametrize("cut", [0, 10, 200])
def test_a_broken_zip_is_told_in_one_line(tmp_path: Path, cut: int, capsys: pytest.CaptureFixture[str]) -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as pack:
        pack.write(SOUND / BALLOTS, BALLOTS)
    (tmp_path / "cut.zip").write_bytes(whole.getvalue()[:cut])
    assert verify([str(tmp_path / "cut.zip")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_without_an_archive_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify([str(tmp_path)]) == 2
    assert verify([str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.count("\n") == 2
