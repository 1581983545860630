"""Limits of the server, and the checks of a file that come before it is decoded."""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass

MEGA = 1_000_000
_NO_PICTURE = "This is not a JPEG, PNG, TIFF or WebP picture."
SEVERAL_PAGES = "This file has several pages; only single pictures are accepted here. deblur restore accepts stacks."


@dataclass(frozen=True)
class Limits:
    """Limits of the server.

    Attributes
    ----------
    file_bytes : int
        Largest file.
    pixels : int
        Largest photograph.
    waiting : int
        Longest queue of photographs that wait while others are restored.
    photos : int
        Most photographs in memory at once.
    held_bytes : int
        Most memory for their files and results together.
    idle_seconds : float
        Time after which a photograph is removed that its visitor no longer uses.
    unseen_seconds : float
        Time after which a restoration is cancelled whose visitor no longer asks for its progress.
    look_seconds : float
        Longest time for opening a photograph or computing a preview; it ends sooner if the visitor hangs up.
    header_seconds : float
        Longest time in which the headers of a request must arrive.
    body_seconds, body_rate : float, float
        A file or other body must arrive within `body_seconds` and a second for each `body_rate` bytes of it.
    """

    file_bytes: int = 100 * MEGA
    pixels: int = 50 * MEGA
    waiting: int = 8
    photos: int = 32
    held_bytes: int = 1000 * MEGA
    idle_seconds: float = 900.0
    unseen_seconds: float = 90.0
    look_seconds: float = 60.0
    header_seconds: float = 15.0
    body_seconds: float = 20.0
    body_rate: float = 20_000.0

    @property
    def arriving_bytes(self) -> int:
        """Most memory for files that are arriving from one address."""
        return max(2 * self.file_bytes, self.held_bytes // 4)


class RefusedError(ValueError):
    """An invalid request or file; the message is shown to the visitor as it is."""


class BusyError(Exception):
    """Too many visitors at once; the message is shown to the visitor as it is."""


def suffix_of(data: bytes, most_pixels: int) -> str:
    """Return the suffix that fits the content of a file, or refuse it because of its header.

    Nothing is decoded, so that a small file that expands to a huge picture costs nothing.

    Parameters
    ----------
    data : bytes
        The file.
    most_pixels : int
        Larger pictures are refused.

    Raises
    ------
    RefusedError
        If it is not a JPEG, PNG, TIFF or WebP file with one page, or is larger.

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
            f"{most_pixels / MEGA:g} megapixels that this page accepts. The command deblur restore has no limit."
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
            raise RefusedError("This picture has far more pixels than this page accepts.") from None
        except Exception as error:  # decoders raise errors of any type on damaged headers
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
    except Exception as error:  # as in _raster_sides
        raise RefusedError("This TIFF is damaged: its header cannot be read.") from error
    if sides is None or min(sides) < 1:
        raise RefusedError("This TIFF has no picture in it.")
    if samples > 4:
        raise RefusedError(f"This picture has {samples} samples per pixel; this page accepts gray and color.")
    return sides
