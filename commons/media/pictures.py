"""Make a harmless picture out of whatever was sent: decoded, shrunk, and encoded anew without place, time or author."""

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from commons.errors import Invalid

LARGEST_FILE_BYTES = 8 * 1024 * 1024
LARGEST_PIXELS = 40_000_000
LONGEST_EDGE = 1200
FORMATS = ("JPEG", "PNG", "WEBP")


def clean(data: bytes) -> tuple[bytes, int, int]:
    """Decode a JPEG, PNG or WebP picture and encode it anew as WebP, upright and without any metadata.

    data:    the file as sent; its name and declared type are not asked.
    Returns: (WebP bytes, width, height in pixels); the longer edge is 1200 at most.
    Raises:  Invalid when it is no such picture, or too large to be opened safely.
    """
    if len(data) > LARGEST_FILE_BYTES:
        raise Invalid("picture.too_large", field="picture", limit=LARGEST_FILE_BYTES // 1024 // 1024)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
                if opened.width * opened.height > LARGEST_PIXELS:  # known from the header, before decoding
                    raise Invalid("picture.too_many_pixels", field="picture", limit=LARGEST_PIXELS // 1_000_000)
                upright = ImageOps.exif_transpose(opened)
                upright.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
                plain = Image.new("RGB", upright.size, "white")
                seen = upright.convert("RGBA")
                plain.paste(seen, mask=seen.getchannel("A"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise Invalid("picture.too_many_pixels", field="picture", limit=LARGEST_PIXELS // 1_000_000) from bomb
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as broken:
        raise Invalid("picture.unreadable", field="picture") from broken
    out = io.BytesIO()
    plain.save(out, "WEBP", quality=80)
    return out.getvalue(), plain.width, plain.height
