"""`khma verify`: fetch or unpack a published result if need be, and have it counted again from its files."""

import argparse
import re
import tempfile
import urllib.request
import zipfile
import zlib
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from app.cli.failing import fail
from commons.errors import Invalid
from results.archive import LEDGER, SUMS
from results.examination import MAX_BYTES
from results.verify import add_options, run

MOST_FILES = 20
SECONDS = 30
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


def verify(argv: list[str]) -> int:
    """Check a folder, a zip or a web address.

    Returns: 0 when all holds, 1 with a line for each fault, 2 when there is no archive to be read.
    """
    parser = argparse.ArgumentParser(prog="khma verify", description="Count a published result again.")
    parser.add_argument("archive", help="folder, zip, or the web address under which the files lie")
    add_options(parser)
    given = parser.parse_args(argv)
    path = Path(given.archive)
    with tempfile.TemporaryDirectory(prefix="khma-verify-") as room:
        try:
            if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", given.archive):
                path = _store(fetch(given.archive), Path(room))
            elif path.is_file():
                path = _store(unpack(path), Path(room))
        except Invalid as fault:
            return fail("khma verify", given.archive, fault)
        return run(path, given.key, given.line)


def fetch(address: str) -> dict[str, bytes]:
    """Fetch the files that SHA256SUMS names, and the ledger's proof if there is one.

    address: of the folder, http or https.
    Raises:  Invalid with the code archive.address, .unreachable, .name or .too_large.
    """
    if not address.startswith(("http://", "https://")):
        raise Invalid("archive.address", found=address.split(":", maxsplit=1)[0])
    base = address.rstrip("/")
    opener = urllib.request.OpenerDirector()
    for handler in (  # by default urllib would also follow a redirect to ftp
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    files: dict[str, bytes] = {SUMS: _get(opener, f"{base}/{SUMS}", MAX_BYTES)}
    listed = [line.partition("  ")[2] for line in files[SUMS].decode("utf-8", "replace").splitlines()]
    for name in [_plain(name) for name in listed[:MOST_FILES]] + [LEDGER]:
        left = MAX_BYTES - sum(map(len, files.values()))
        try:
            files[name] = _get(opener, f"{base}/{name}", left)
        except _Absent:
            continue  # a missing file is for the verifier to name
    return files


class _Absent(Invalid):
    """The server says that there is no such file."""


def _get(opener: urllib.request.OpenerDirector, url: str, limit: int) -> bytes:
    try:
        with opener.open(url, timeout=SECONDS) as answer:
            data: bytes = answer.read(limit + 1)
    except HTTPError as refused:
        kind = _Absent if refused.code in {404, 410} else Invalid
        raise kind("archive.unreachable", url=url, found=f"{refused.code} {refused.reason}") from refused
    except (OSError, HTTPException, ValueError) as failure:
        raise Invalid("archive.unreachable", url=url, found=str(failure) or type(failure).__name__) from failure
    if len(data) > limit:
        raise Invalid("archive.too_large", limit=MAX_BYTES)
    return data


def unpack(path: Path) -> dict[str, bytes]:
    """Take the files out of a zip; they lie at its top or together in one folder.

    Raises: Invalid with the code archive.zip, .name or .too_large.
    """
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(path) as pack:
            entries = [entry for entry in pack.infolist() if not entry.is_dir()]
            folders = {entry.filename.rpartition("/")[0] for entry in entries}
            if len(entries) > MOST_FILES or len(folders) > 1:
                raise Invalid("archive.zip", found=f"{len(entries)} files in {len(folders)} folders")
            for entry in entries:
                left = MAX_BYTES - sum(map(len, files.values()))
                name = _plain(entry.filename.rpartition("/")[2])
                with pack.open(entry) as file:
                    files[name] = data = file.read(left + 1)
                if len(data) > left:
                    raise Invalid("archive.too_large", limit=MAX_BYTES)
    except _BROKEN as failure:
        raise Invalid("archive.zip", found=str(failure) or type(failure).__name__) from failure
    return files


def _plain(name: str) -> str:
    """Let only plain names through, so that no file is written anywhere else."""
    if not _PLAIN.fullmatch(name):
        raise Invalid("archive.name", found=name[:80])
    return name


def _store(files: dict[str, bytes], room: Path) -> Path:
    for name, data in files.items():
        (room / name).write_bytes(data)
    return room
