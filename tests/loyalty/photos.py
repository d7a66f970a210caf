"""Pictures of receipts for tests: a sheet with bars that follow from a number, so that two numbers look different."""

from __future__ import annotations

import io
from random import Random
from typing import Any

from PIL import Image, ImageDraw


def photograph(
    number: int = 1, kind: str = "JPEG", size: tuple[int, int] = (480, 640), **saved: Any
) -> bytes:
    """A grey sheet whose bars lie elsewhere for each number."""
    rng = Random(number)
    image = Image.new("RGB", size, (240, 240, 235))
    draw = ImageDraw.Draw(image)
    for row in range(16):
        for column in range(16):
            shade = rng.randrange(256)
            left, top = column * size[0] // 16, row * size[1] // 16
            draw.rectangle((left, top, left + size[0] // 16, top + size[1] // 16), (shade, shade, shade))
    written = io.BytesIO()
    image.save(written, kind, **saved)
    return written.getvalue()
