"""The one result of a restoration, whatever restored it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from deblur import photo
from deblur._core.atomic import atomic_path
from deblur.operators import LinearOperator
from deblur.photo import Photo

_HIGH, _MEDIUM = 0.8, 0.4
"""Confidence from which on it is called so, by hand; the one place of these words for all front ends."""


def certainty_of(confidence: float) -> Literal["high", "medium", "low"]:
    """Say a confidence in a word."""
    return "high" if confidence >= _HIGH else "medium" if confidence >= _MEDIUM else "low"


@dataclass(frozen=True, eq=False)
class Restoration:
    """A restored image, and how it was restored.

    Attributes
    ----------
    image : numpy.ndarray or torch.Tensor
        Restored image: floating, of the shape and array type of the blurred one, in its unit (integers: [0, 1]), not
        clipped. Of a photograph that was restored in linear light, in the encoding of its file.
    psf : numpy.ndarray, torch.Tensor or LinearOperator
        Point-spread function that was inverted, given or estimated, one to three axes; or the operator that was given.
    noise_level : float or None
        Standard deviation of the noise in the unit of the image, given or estimated; as given if one per image was.
    method : str
        Name of the method, see `deblur.methods`.
    seconds : float
        Elapsed time in seconds.
    confidence : float or None
        Confidence in an estimated PSF, 0 to 1; None for a given one. `certainty` says it in a word.
    reason : str
        Why the confidence is not higher, or why the image is unchanged; empty where there is nothing to say.
    changed : bool
        False where nothing could be restored, or nothing had to be: `image` then has the values of the input.
    channel_axis : int or None
        Axis of the color channels of `image`.
    photo : deblur.photo.Photo or None
        The restored photograph with all metadata of its file, where a photograph was restored.
    details : dict
        Facts of this method or source: ``"linear"``, ``"psf_sum"``, ``"windows"``, ``"num_iter"`` ...

    Examples
    --------
    >>> import numpy as np
    >>> import deblur
    >>> result = deblur.restore(np.random.default_rng(0).random((48, 48)), deblur.psf.gaussian(1), method="wiener")
    >>> result.method, result.image.shape, result.changed
    ('wiener', (48, 48), True)
    """

    image: Any
    psf: Any
    noise_level: Any
    method: str
    seconds: float
    confidence: float | None = None
    reason: str = ""
    changed: bool = True
    channel_axis: int | None = None
    photo: Photo | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def certainty(self) -> Literal["high", "medium", "low"] | None:
        """The confidence in a word: high, medium or low; None for a PSF that was given, and an image left as it was."""
        if self.confidence is None or not self.changed:
            return None
        return certainty_of(self.confidence)

    def __repr__(self) -> str:
        """Return one line without the pixels."""
        facts = [self.method, f"image {_by(self.image.shape)}"]
        if not self.changed:
            return f"Restoration({', '.join([*facts, 'unchanged'])}" + (f": {self.reason})" if self.reason else ")")
        is_operator = isinstance(self.psf, LinearOperator)
        facts.append(f"operator {type(self.psf).__name__}" if is_operator else f"PSF {_by(self.psf.shape)}")
        if self.noise_level is not None:
            facts.append(f"noise {float(np.mean(np.asarray(self.noise_level))):.2g}")
        if self.certainty is not None:
            facts.append(f"confidence {self.certainty}")
        facts.append(f"{self.seconds:.1f} s")
        return f"Restoration({', '.join(facts)}" + (f": {self.reason})" if self.reason else ")")

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        quality: int | None = None,
        compression: str | None = None,
    ) -> None:
        """Write the restored image to a file.

        Parameters
        ----------
        path : str or path-like
            Ends in a suffix that `deblur.photo.write` knows; .npy keeps the array as it is. A photograph keeps its
            metadata and depth; another image is written in 32-bit floating point to TIFF and FITS, and clipped to
            [0, 1] in 16 bits to PNG and in 8 bits to JPEG and others that have no more. A photograph that is unchanged
            is copied, byte for byte, where the suffix is that of its file, and the file is still as it was read.
        overwrite : bool
            Whether an existing file may be replaced.
        quality, compression
            See `deblur.photo.write`.

        Raises
        ------
        OSError
            If the file exists and `overwrite` is false, or cannot be written.
        ValueError
            If an option is out of its range, the suffix is that of no supported format, or the image does not fit the
            format.
        """
        suffix = Path(path).suffix.lower()
        if suffix == ".npy":
            with atomic_path(path, overwrite=overwrite) as temporary:
                np.save(temporary, _to_numpy(self.image))
            return
        picture = self.photo if self.photo is not None else _as_photo(self.image, self.channel_axis)
        if self.is_copy(path) and picture.origin is not None:
            picture.origin.copy(path, overwrite=overwrite)
        else:
            photo.write(path, picture, overwrite=overwrite, quality=quality, compression=compression)

    def is_copy(self, path: str | os.PathLike[str]) -> bool:
        """Whether `save` copies the file that the photograph was read from, and encodes nothing.

        Parameters
        ----------
        path : str or path-like
            Where it is to be saved.

        Returns
        -------
        bool
            True for a photograph that is unchanged, where the suffix is that of its file.

        Raises
        ------
        TypeError
            If `path` is no path.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> import deblur
        >>> from deblur.photo import Photo, write
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     flat = pathlib.Path(folder, "flat.png")
        ...     write(flat, Photo(np.full((64, 64), 0.5)))
        ...     result = deblur.restore_photo(flat)
        ...     result.is_copy("same.png"), result.is_copy("other.tif")
        (True, False)
        """
        origin = None if self.photo is None else self.photo.origin
        return not self.changed and origin is not None and origin.fits(Path(path).suffix)

    def _repr_png_(self) -> bytes | None:
        """Return the picture that a notebook shows; None for what is no picture."""
        import cv2

        pixels = _as_photo(self.image, self.channel_axis).pixels if self._is_picture() else None
        if pixels is None:
            return None
        eight_bits = np.rint(255 * np.clip(np.nan_to_num(pixels), 0, 1)).astype(np.uint8)
        encoded, data = cv2.imencode(".png", eight_bits[..., ::-1] if eight_bits.ndim == 3 else eight_bits)
        return data.tobytes() if encoded else None

    def _is_picture(self) -> bool:
        if self.channel_axis is None:
            return self.image.ndim == 2
        return self.image.ndim == 3 and self.image.shape[self.channel_axis] in (1, 3)


def _as_photo(image: Any, channel_axis: int | None) -> Photo:
    pixels = _to_numpy(image)
    if channel_axis is not None:
        pixels = np.moveaxis(pixels, channel_axis, -1)
        if pixels.shape[-1] == 1:
            pixels, channel_axis = pixels[..., 0], None
    # As fine as a file of any format can be: `photo.write` rounds to what its format holds.
    return Photo(np.ascontiguousarray(pixels), None if channel_axis is None else -1, dtype=np.dtype(np.float32))


def _to_numpy(image: Any) -> np.ndarray:
    if hasattr(image, "detach"):
        return image.detach().cpu().numpy()
    return np.asarray(image[...])  # on disk, or in memory already


def _by(shape: Any) -> str:
    return "x".join(str(side) for side in shape)
