"""Pictures: what can be seen stays, everything else goes, and what only looks like a picture is refused at once."""

import io
import struct
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.db import Database
from commons.errors import Invalid, NotFound
from commons.ids import new_id
from commons.media.pictures import FORMATS, LARGEST_FILE_BYTES, LONGEST_EDGE, clean
from commons.media.store import add_picture, get_picture
from commons.organisations.store import found

PLACE = b"41 deg 43 min north"
ORIENTATION, GPS = 0x0112, 0x8825


def photo(kind: str = "JPEG", size: tuple[int, int] = (80, 40), **more: object) -> bytes:
    """Make a picture whose left half is red and whose right half is blue."""
    picture = Image.new("RGB", size, "blue")
    picture.paste("red", (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    data = Image.Exif()
    data[ORIENTATION] = orientation
    data[0x013B] = "Nino Beridze"  # artist
    data[0x010E] = PLACE.decode()
    gps = data.get_ifd(GPS)
    gps[1], gps[2] = "N", (41.0, 43.0, 21.0)
    return data


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=["WEBP"])


def colour(picture: Image.Image, x: int, y: int) -> str:
    red, green, blue = picture.convert("RGB").getpixel((x, y))  # type: ignore[misc]
    if max(red, green, blue) - min(red, green, blue) < 40:
        return "white" if red > 200 else "black"
    return "red" if red > blue else "blue"


@pytest.mark.parametrize("kind", FORMATS)
def test_place_author_and_every_other_word_are_gone(kind: str) -> None:
    sent = photo(kind, exif=exif())
    assert PLACE in sent
    assert Image.open(io.BytesIO(sent)).getexif().get_ifd(GPS)
    data, width, height = clean(sent)
    kept = opened(data)
    assert (kept.size, width, height) == ((80, 40), 80, 40)
    assert (PLACE in data, b"Beridze" in data, dict(kept.getexif())) == (False, False, {})
    assert {"exif", "xmp", "icc_profile"} & set(kept.info) == set()
    assert (colour(kept, 10, 20), colour(kept, 70, 20)) == ("red", "blue")


@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [(1, (80, 40), (10, 20)), (3, (80, 40), (70, 20)), (6, (40, 80), (20, 10)), (8, (40, 80), (20, 70))],
)
def test_it_stands_upright(orientation: int, size: tuple[int, int], red_at: tuple[int, int]) -> None:
    data, width, height = clean(photo(exif=exif(orientation)))
    assert (width, height) == size
    assert colour(opened(data), *red_at) == "red"


def test_a_comment_and_a_file_hidden_behind_the_picture_are_gone() -> None:
    data, _, _ = clean(photo(comment=b"call 555-0101") + b"PK\x03\x04 a zip behind it")
    assert b"555" not in data
    assert b"PK" not in data


def test_what_is_transparent_becomes_white() -> None:
    picture = Image.new("RGBA", (40, 40), (255, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 20, 40))
    palette = picture.convert("P", palette=Image.Palette.ADAPTIVE)
    palette.info["transparency"] = palette.getpixel((5, 5))
    for each in (picture, palette, picture.convert("LA").convert("RGBA")):
        out = io.BytesIO()
        each.save(out, "PNG")
        kept = opened(clean(out.getvalue())[0])
        assert kept.mode == "RGB"
        assert colour(kept, 5, 20) == "white"
    assert colour(opened(clean(_png(picture))[0]), 35, 20) == "red"


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16", "P"])
def test_pictures_of_every_depth_are_taken(mode: str) -> None:
    assert clean(_png(Image.new(mode, (20, 10))))[1:] == (20, 10)


def test_a_print_shops_four_colours_are_taken() -> None:
    out = io.BytesIO()
    Image.new("CMYK", (20, 10), (0, 255, 255, 0)).save(out, "JPEG")
    assert colour(opened(clean(out.getvalue())[0]), 5, 5) == "red"


@pytest.mark.parametrize(
    ("size", "kept"),
    [((2400, 600), (1200, 300)), ((600, 2400), (300, 1200)), ((100, 50), (100, 50)), ((5000, 1), (1200, 1))],
)
def test_the_longer_edge_is_cut_down_and_nothing_is_blown_up(size: tuple[int, int], kept: tuple[int, int]) -> None:
    data, width, height = clean(photo(size=size))
    assert (width, height) == opened(data).size == kept
    assert max(kept) <= LONGEST_EDGE


def bomb(width: int, height: int) -> bytes:
    """Write a small PNG that claims to be a large one."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * min(width * 3 * height, 30_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(50_000, 50_000), (8_000, 6_000), (2_000_000_000, 1)])
def test_a_bomb_is_refused_before_it_is_opened(size: tuple[int, int]) -> None:
    sent = bomb(*size)
    assert len(sent) < 100_000
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(Invalid, match=r"picture.too_many_pixels"):
        clean(sent)
    seconds, most = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 0.5
    assert most < 5_000_000


def test_a_file_that_is_too_large_is_not_even_looked_at() -> None:
    with pytest.raises(Invalid) as refused:
        clean(b"\0" * (LARGEST_FILE_BYTES + 1))
    assert (refused.value.code, refused.value.facts) == ("picture.too_large", {"limit": 8})


GIF = io.BytesIO()
Image.new("P", (5, 5)).save(GIF, "GIF")
NO_PICTURE = {
    "nothing": b"",
    "a letter": b"Dear town hall,",
    "a web page": b"<html><script>alert(1)</script></html>",
    "a drawing with a script": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "an animation": GIF.getvalue(),
    "a document": b"%PDF-1.7\n",
    "half a photo": photo(size=(400, 400))[:900],
    "half a PNG": photo("PNG", size=(400, 400))[:60],
    "a photo's name only": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
}


@pytest.mark.parametrize("name", NO_PICTURE)
def test_what_is_no_picture_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match=r"picture.unreadable") as refused:
        clean(NO_PICTURE[name])
    assert refused.value.field == "picture"


PHOTOS = [photo(kind, size=(16, 12)) for kind in FORMATS]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(PHOTOS),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=6),
    st.integers(0, 400),
)
def test_whatever_is_sent_becomes_a_picture_or_a_refusal(sent: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    damaged = bytearray(sent[: len(sent) - cut] if cut < 40 else sent)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    try:
        data, width, height = clean(bytes(damaged))
    except Invalid as refused:
        assert refused.code in {"picture.unreadable", "picture.too_many_pixels"}  # noqa: PT017
    else:
        assert opened(data).size == (width, height)


@pytest.mark.anyio
async def test_a_picture_is_kept_with_its_words(db: Database) -> None:
    host = await db.write(lambda session: found(session, {"en": "Hall"}, {}, "UTC"))
    kept = await db.write(lambda session: add_picture(session, host.id, photo(), {"ka": "წითელი და ლურჯი"}))
    async with db.reading() as session:
        given_back = await get_picture(session, kept.id)
        with pytest.raises(NotFound, match=r"picture.unknown"):
            await get_picture(session, new_id())
    assert (given_back.width, given_back.height, given_back.descriptions) == (80, 40, {"ka": "წითელი და ლურჯი"})
    assert opened(given_back.webp).size == (80, 40)
