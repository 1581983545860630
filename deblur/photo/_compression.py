"""How strongly a lossy codec has quantized a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_INDEX_SUM = np.add.outer(np.arange(8), np.arange(8))
_LOW = (_INDEX_SUM > 0) & (_INDEX_SUM < 8)  # the frequencies that a blurred picture has
_LARGEST_STEP = 255.0
_HALVED = "4:2:0"

_OF_SIZE = {
    "WebP": ((0.45, 0.6, 0.72, 1.25, 1.9, 4.0), (28, 43, 56, 85, 95, 98)),
    "AVIF": ((0.41, 0.62, 0.86, 1.2, 2.4, 5.0), (46, 70, 83, 91, 97, 99)),
}
"""Bits per pixel, and the quality of libjpeg whose luminance is as far from the original, of blurred photographs: they
agree within 6 between pictures (python -m benchmarks.quality.codecs)."""


@dataclass(frozen=True)
class Compression:
    """The strength of a lossy compression, as the quantization tables of a file record it.

    Parameters
    ----------
    luminance, chrominance : float
        Root mean square of the quantization steps of low frequencies, in steps of 8 bits: about 7.5 and 17 for
        quality 90 of libjpeg, 19 and 42 for 75, 38 and 84 for 50. Of a gray picture both are that of the one table.
    sampling : {"4:4:4", "4:2:2", "4:2:0"}
        Resolution of the color planes.
    origin : str
        Where the strength comes from, for reports.

    Examples
    --------
    >>> from deblur.photo import Compression
    >>> Compression.of_jpeg({0: [10] * 64, 1: [20] * 64}, "4:2:0")
    Compression(luminance=10.0, chrominance=20.0, sampling='4:2:0', origin='quantization tables')
    """

    luminance: float
    chrominance: float
    sampling: str = _HALVED
    origin: str = "quantization tables"

    @classmethod
    def of_jpeg(cls, tables: Mapping[int, Sequence[int]], sampling: str) -> Compression | None:
        """Return the strength that the tables of a JPEG give; None where they are missing or not 8 x 8.

        Parameters
        ----------
        tables : mapping of int to sequence of int
            64 steps each, in the order of rows: the first is for luminance, the second for both color differences.
        sampling : str
            Resolution of the color planes.
        """
        strengths = [_strength(table) for _, table in sorted(tables.items()) if len(table) == 64]
        return cls(strengths[0], strengths[min(1, len(strengths) - 1)], sampling) if strengths else None

    @classmethod
    def of_quality(cls, quality: float, sampling: str = _HALVED, origin: str = "block grid") -> Compression:
        """Return the strength of the tables that libjpeg uses for a quality.

        Parameters
        ----------
        quality : float
            1 to 100.
        sampling : str
            Resolution of the color planes.
        origin : str
            Where the quality comes from.
        """
        luminance, chrominance = (_strength(libjpeg_table(quality, color=color)) for color in (False, True))
        return cls(luminance, chrominance, sampling, origin)

    @classmethod
    def of_size(cls, codec: str, length: int, pixels: int) -> Compression:
        """Return the strength that makes the errors of a file of this length, for codecs whose steps are not read.

        Parameters
        ----------
        codec : {"WebP", "AVIF", "HEIF"}
            The codec.
        length : int
            Bytes of the file.
        pixels : int
            Pixels of the picture.
        """
        sizes, qualities = _OF_SIZE["AVIF" if codec == "HEIF" else codec]
        bits = max(8 * length / pixels, 1e-3)
        return cls.of_quality(
            float(np.interp(np.log(bits), np.log(sizes), qualities)), origin=f"size of the {codec} file"
        )


def libjpeg_table(quality: float, *, color: bool) -> np.ndarray:
    """Return the quantization steps of libjpeg, shape (8, 8): those of ITU-T T.81, annex K, scaled."""
    scale = 5000 / max(quality, 1) if quality < 50 else 200 - 2 * quality
    return np.clip(np.floor((_ANNEX_K[int(color)] * scale + 50) / 100), 1, _LARGEST_STEP)


def _strength(table: Sequence[int] | np.ndarray) -> float:
    steps = np.clip(np.asarray(table, np.float64).reshape(8, 8)[_LOW], 1, _LARGEST_STEP)
    return float(np.sqrt(np.square(steps).mean()))


_ANNEX_K = np.array(
    [
        [
            [16, 11, 10, 16, 24, 40, 51, 61],
            [12, 12, 14, 19, 26, 58, 60, 55],
            [14, 13, 16, 24, 40, 57, 69, 56],
            [14, 17, 22, 29, 51, 87, 80, 62],
            [18, 22, 37, 56, 68, 109, 103, 77],
            [24, 35, 55, 64, 81, 104, 113, 92],
            [49, 64, 78, 87, 103, 121, 120, 101],
            [72, 92, 95, 98, 112, 100, 103, 99],
        ],
        [
            [17, 18, 24, 47, 99, 99, 99, 99],
            [18, 21, 26, 66, 99, 99, 99, 99],
            [24, 26, 56, 99, 99, 99, 99, 99],
            [47, 66, 99, 99, 99, 99, 99, 99],
            [99, 99, 99, 99, 99, 99, 99, 99],
            [99, 99, 99, 99, 99, 99, 99, 99],
            [99, 99, 99, 99, 99, 99, 99, 99],
            [99, 99, 99, 99, 99, 99, 99, 99],
        ],
    ],
    np.float64,
)
