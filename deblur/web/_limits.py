"""What a visitor may ask for, and the look at a file that comes before it is decoded."""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass

MEGA = 1_000_000
_NO_PICTURE = "This is not a JPEG, PNG, TIFF or WebP picture."
SEVERAL_PAGES = "This file has several pages; this page takes pictures of one. deblur restore takes stacks."


@dataclass(frozen=True)
class Limits:
    """How much the page takes on.

    Attributes
    ----------
    file_bytes : int
        Largest file.
    pixels : int
        Most pixels of a photograph.
    waiting : int
        Most photographs that wait while others are restored.
    photos : int
        Most photographs held at once.
    held_bytes : int
        Most memory for their files and results.
    idle_seconds : float
        How long a photograph is held that nobody asks about.
    unseen_seconds : float
        How long work goes on that nobody asks about.
    """

    file_bytes: int = 100 * MEGA
    pixels: int = 50 * MEGA
    waiting: int = 8
    photos: int = 32
    held_bytes: int = 1000 * MEGA
    idle_seconds: float = 900.0
    unseen_seconds: float = 90.0


class RefusedError(ValueError):
    """What is said to the visitor, word by word."""


def suffix_of(data: bytes, most_pixels: int) -> str:
    """Return the suffix that a file should have by its content, or refuse it by what its header says.

    Nothing is decoded, so that a small file of a huge picture costs nothing.

    Parameters
    ----------
    data : bytes
        The file.
    most_pixels : int
        More are refused.

    Raises
    ------
    RefusedError
        If it is no JPEG, PNG, TIFF or WebP file of one page, or larger.

    Examples
    --------
    >>> suffix_of(b"<svg>", 100)
    Traceback (most recent call last):
    ...
    deblur.web._limits.RefusedError: This is not a JPEG, PNG, TIFF or WebP picture.
    """
    from deblur.photo import detect_suffix

    if not data:
        raise RefusedError("This file is empty.")
    try:
        suffix = detect_suffix(data)
    except ValueError:
        raise RefusedError(_NO_PICTURE) from None
    sides = _tiff_sides(data) if suffix == ".tif" else _raster_sides(data)
    if math.prod(sides) > most_pixels:
        raise RefusedError(
            f"This picture has {sides[0]} x {sides[1]} pixels, which is more than the "
            f"{most_pixels / MEGA:g} megapixels that this page takes. The command deblur restore takes any size."
        )
    return suffix


def _raster_sides(data: bytes) -> tuple[int, int]:
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # our own limit is stricter than the one that Pillow warns of
        try:
            with Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "WEBP"]) as image:
                return image.size
        except UnidentifiedImageError:
            raise RefusedError(_NO_PICTURE) from None
        except Image.DecompressionBombError:
            raise RefusedError("This picture has far more pixels than this page takes.") from None
        except Exception as error:  # a damaged header ends in whatever error its damage leads to
            raise RefusedError("This picture is damaged: its header cannot be read.") from error


def _tiff_sides(data: bytes) -> tuple[int, int]:
    import tifffile

    from deblur._core.tiff import opened

    sides, samples = None, 0
    try:
        with opened(io.BytesIO(data), is_ome=False) as tiff:
            tiff.pages.useframes = False
            for page in tiff.pages:
                assert isinstance(page, tifffile.TiffPage)
                if page.is_reduced:
                    continue
                if sides is not None:
                    raise RefusedError(SEVERAL_PAGES)
                sides = int(page.imagewidth), int(page.imagelength)
                samples = int(page.samplesperpixel) * int(page.imagedepth)
    except RefusedError:
        raise
    except Exception as error:  # as above
        raise RefusedError("This TIFF is damaged: its header cannot be read.") from error
    if sides is None or min(sides) < 1:
        raise RefusedError("This TIFF has no picture in it.")
    if samples > 4:
        raise RefusedError(f"This picture has {samples} samples a pixel; this page takes gray and color.")
    return sides
