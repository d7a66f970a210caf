"""Pictures that people send: opened by their content, made small, without anything that was hidden in the file."""

from __future__ import annotations

import io
from dataclasses import dataclass

SIDE_MAX = 2_000
SIDE_MIN = 200
PIXELS_MAX = 50_000_000
QUALITY = 82
KINDS = ("JPEG", "PNG", "WEBP")
FINGERPRINT_SIDE = 16


class PictureUnreadable(ValueError):
    """Not a picture of a kind that is taken, broken, too small to read or too large to open."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG made anew: no EXIF, no GPS, no colour profile, no second picture behind the first, upright.

    ``fingerprint`` is its difference hash in hexadecimal: 256 bits, whether each point of a 16×16 grey miniature is darker
    than its right neighbour. Pictures of one thing differ in few bits, however they were scaled, compressed or brightened
    (N. Krawetz, "Kind of Like That", 2013).
    """

    content: bytes
    width: int
    height: int
    fingerprint: str


def clean_picture(content: bytes) -> Picture:
    """Open a JPEG, PNG or WebP by its bytes and draw it anew. Raises PictureUnreadable.

    A file that would unpack to more than 50 million points is refused before it is unpacked.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(content), formats=KINDS) as opened:
            width, height = opened.size
            if width * height > PIXELS_MAX or min(width, height) < SIDE_MIN:
                raise PictureUnreadable
            opened.draft("RGB", (SIDE_MAX, SIDE_MAX))
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((SIDE_MAX, SIDE_MAX))
            plain = Image.new("RGB", upright.size, "white")
            drawn = upright.convert("RGBA")
            plain.paste(drawn, mask=drawn.getchannel("A"))
    except PictureUnreadable:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise PictureUnreadable from error
    written = io.BytesIO()
    plain.save(written, "JPEG", quality=QUALITY, optimize=True)
    small = plain.convert("L").resize((FINGERPRINT_SIDE + 1, FINGERPRINT_SIDE), Image.Resampling.LANCZOS)
    return Picture(written.getvalue(), *plain.size, _difference_hash(small.tobytes()))


def _difference_hash(points: bytes) -> str:
    row, bits = FINGERPRINT_SIDE + 1, 0
    for start in range(0, row * FINGERPRINT_SIDE, row):
        for place in range(start, start + FINGERPRINT_SIDE):
            bits = bits << 1 | (points[place] < points[place + 1])
    return f"{bits:0{FINGERPRINT_SIDE * FINGERPRINT_SIDE // 4}x}"


def difference(one: str, other: str) -> int:
    """In how many of 256 bits two fingerprints differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
