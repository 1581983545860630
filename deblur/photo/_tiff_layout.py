"""How the samples of a TIFF lie in the file: compression, predictor, planes, tiles, a pyramid of smaller pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import tifffile

from deblur._core.extras import missing_extra
from deblur._core.samples import quantized, scaled
from deblur.photo._stored import Stored

_NAMES = {1: "none", 8: "deflate", 32946: "deflate", 5: "lzw", 50000: "zstd", 34925: "lzma", 32773: "packbits"}
_CODES = {"none": 1, "deflate": 8, "lzw": 5, "zstd": 50000, "lzma": 34925, "packbits": 32773}
_INSTEAD = "deflate"  # which needs no other package
_PREDICTED = ("deflate", "lzw", "zstd", "lzma")
_HORIZONTAL, _FLOATING = 2, 3


@dataclass(frozen=True)
class TiffLayout:
    """The layout of a TIFF file.

    Attributes
    ----------
    compression : str
        As in `deblur.photo.write`, or the name of another, which is replaced.
    predictor : bool
        Whether differences of neighbors are compressed.
    planar : bool
        Whether each channel lies in a plane of its own.
    tile : (int, int) or None
        Height and width of tiles.
    is_rgb : bool
        Whether the first three of more channels are colors.
    extra_samples : tuple of int
        What the file says of the channels besides colors.
    levels : tuple of int
        By how many times the pictures of a pyramid are smaller.
    in_sub_directories : bool
        Whether these hang from the first, and do not follow it.
    """

    compression: str = "none"
    predictor: bool = False
    planar: bool = False
    tile: tuple[int, int] | None = None
    is_rgb: bool = False
    extra_samples: tuple[int, ...] = ()
    levels: tuple[int, ...] = ()
    in_sub_directories: bool = False

    @classmethod
    def of(cls, tiff: tifffile.TiffFile, pages: tifffile.TiffPageSeries) -> tuple[TiffLayout, tuple[str, ...]]:
        """Return the layout of a file, and notes on the smaller pictures in it that are not rebuilt."""
        page = pages.keyframe
        reduced = [level.keyframe for level in pages.levels[1:]]
        reduced = reduced or [each.keyframe for each in tiff.series if each.keyframe.is_reduced]
        factors = tuple(round(page.imagewidth / max(each.imagewidth, 1)) for each in reduced)
        is_pyramid = all(_is_smaller(page, each, factor) for each, factor in zip(reduced, factors, strict=True))
        layout = cls(
            compression=_NAMES.get(int(page.compression), tifffile.COMPRESSION(page.compression).name),
            predictor=page.predictor in (_HORIZONTAL, _FLOATING),
            planar=page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and page.samplesperpixel > 1,
            tile=(page.tilelength, page.tilewidth) if page.is_tiled else None,
            is_rgb=page.photometric == tifffile.PHOTOMETRIC.RGB,
            extra_samples=tuple(int(kind) for kind in page.extrasamples),
            levels=factors if is_pyramid else (),
            in_sub_directories=bool(page.subifds),
        )
        return layout, () if is_pyramid else ("its thumbnail was left out",)

    def losses(self, pages: int) -> list[str]:
        """Return what is not written as it was, in sentences, of so many pages."""
        lost = []
        if self.compression not in _CODES:
            lost.append(f"the {self.compression} compression was replaced by {_INSTEAD}, which loses nothing")
        elif not _is_available(self.compression):
            needed = "needs the package imagecodecs, and was replaced by"
            lost.append(f"the {self.compression} compression {needed} {_INSTEAD}")
        if self.levels and pages > 1:
            lost.append("the pyramid of smaller pictures was left out")
        return lost

    def options(self, stored: Stored, compression: str | None) -> dict[str, Any]:
        """Return options of `tifffile.TiffWriter.write` for samples, and what they are.

        Parameters
        ----------
        stored : Stored
            What is written.
        compression : str or None
            Instead of its own.

        Raises
        ------
        ValueError
            If a package is missing that the compression in `compression` needs.
        """
        if compression is not None and not _is_available(compression):
            raise ValueError(missing_extra("tiff", f"the compression {compression} needs imagecodecs"))
        chosen = compression or (self.compression if self.compression in _CODES else _INSTEAD)
        chosen = chosen if _is_available(chosen) else _INSTEAD
        count = stored.samples.shape[-1]
        is_rgb = stored.channels == 3 or (self.is_rgb and count > 3)
        besides = count - (3 if is_rgb else 1)
        kinds = [0] * (besides - 1) + [int(tifffile.EXTRASAMPLE.UNASSALPHA)] if stored.has_alpha else [0] * besides
        if len(self.extra_samples) == besides and not stored.has_alpha:
            kinds = list(self.extra_samples)
        number = _FLOATING if stored.samples.dtype.kind == "f" else _HORIZONTAL
        predicts = self.predictor and chosen in _PREDICTED and number in tifffile.TIFF.PREDICTORS
        return {
            "photometric": "rgb" if is_rgb else "minisblack",
            "planarconfig": None if count == 1 else "separate" if self.planar else "contig",
            "extrasamples": kinds or None,
            "compression": None if chosen == "none" else _CODES[chosen],
            "predictor": predicts or None,
            "tile": self.tile,
        }

    def smaller(self, samples: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the smaller pictures of a pyramid: means of blocks. Samples have shape (height, width, channels)."""
        height, width, channels = samples.shape
        values = scaled(samples)
        for factor in self.levels:
            size = max(1, math.ceil(width / factor)), max(1, math.ceil(height / factor))
            planes = [cv2.resize(values[..., c], size, interpolation=cv2.INTER_AREA) for c in range(channels)]
            yield quantized(np.stack(planes, axis=-1), samples.dtype)


def _is_smaller(page: Any, reduced: Any, factor: int) -> bool:
    """Return whether a page is a picture at one part of another's size, and of the same samples."""
    sides = zip((page.imagelength, page.imagewidth), (reduced.imagelength, reduced.imagewidth), strict=True)
    is_part = factor >= 2 and all(abs(large / factor - small) <= 1 for large, small in sides)
    return is_part and reduced.dtype == page.dtype and reduced.samplesperpixel == page.samplesperpixel


def _is_available(compression: str) -> bool:
    return _CODES[compression] == 1 or _CODES[compression] in tifffile.TIFF.COMPRESSORS
