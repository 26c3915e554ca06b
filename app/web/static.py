"""Static files: kept in memory, compressed once, named by their content, and kept by browsers for ever."""

import gzip
from dataclasses import dataclass
from functools import cache

from litestar import Response, get
from litestar.params import FromPath

from app.web.respond import STATIC, AnyRequest, static_hash
from commons.errors import NotFound

TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml; charset=utf-8",
    ".woff2": "font/woff2",
    ".png": "image/png",
    ".txt": "text/plain",
}
COMPRESSED = frozenset({".css", ".js", ".svg"})
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Kept:
    """One file: as it is, and compressed where that helps."""

    media_type: str
    plain: bytes
    gzipped: bytes | None


@cache
def kept_files() -> dict[str, Kept]:
    """Read every file that may be fetched, once a process."""
    files = {}
    for path in STATIC.rglob("*"):
        if path.is_file() and path.suffix in TYPES:
            data = path.read_bytes()
            packed = gzip.compress(data, 9, mtime=0) if path.suffix in COMPRESSED else None
            files[path.relative_to(STATIC).as_posix()] = Kept(TYPES[path.suffix], data, packed)
    return files


@get("/static/{version:str}/{name:path}", name="static")
async def static(request: AnyRequest, version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """Give one static file. An old version's address gives today's file, but may not be kept."""
    if (kept := kept_files().get(name.lstrip("/"))) is None:
        raise NotFound("door.nowhere")
    headers = {"Cache-Control": FOR_EVER if version == static_hash() else "no-cache"}
    data = kept.plain
    if kept.gzipped is not None:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("accept-encoding", ""):
            data, headers["Content-Encoding"] = kept.gzipped, "gzip"
    return Response(data, headers=headers, media_type=kept.media_type)
