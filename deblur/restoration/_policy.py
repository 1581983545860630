"""What restoring a source means: the PSF, linear light, saturation, masks, noise. Decided here, for every front end."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from deblur import photo
from deblur._core.arrays import as_float_tensor
from deblur._core.samples import CLIPPED
from deblur.operators import LinearOperator
from deblur.psf import PsfFile, normalize, prepare
from deblur.restoration._kinds import Kind
from deblur.restoration._noise import ESTIMATED, Noise, is_integer

_ENCODED = ("uint8", "uint16")  # photographs of these sample types follow the sRGB curve

_NORMALIZED = 1e-6  # a kernel in single precision sums to 1 only to rounding; dividing again would change its digits


@dataclass(frozen=True)
class Policy:
    """The meaning of a restoration, the same for every front end.

    Attributes
    ----------
    kind : {"array", "photo", "counts"}
        What the source is.
    kind_reason : str
        The evidence for that.
    psf : array, LinearOperator or None
        The PSF scaled to sum 1, so that it keeps the brightness; None where it is to be estimated.
    psf_sum : float or None
        The sum of the PSF as given; None without a PSF and for an operator.
    psf_notes : tuple of str
        What was mended in the PSF, a sentence each.
    linear : bool
        Whether samples are decoded from sRGB before, and encoded again after.
    saturation : float or None
        Value from which on samples are clipped, in linear light if `linear`; None if none is.
    saturated_from : float or None
        Value from which on samples of counts are left out.
    bad_pixels : array, "auto" or None
        Defective samples.
    noise : Noise
        What is known of the noise, and from where.
    encoded : bool
        Whether samples that are not decoded follow the sRGB curve, for methods that find out in which light a blur was.
    notes : tuple of str
        Remarks, a sentence each.
    """

    kind: Kind
    psf: Any
    psf_sum: float | None
    linear: bool
    saturation: float | None
    kind_reason: str = ""
    saturated_from: float | None = None
    bad_pixels: Any = None
    noise: Noise = ESTIMATED
    encoded: bool = False
    psf_notes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Return the decisions for JSON and --verbose."""
        return {
            "kind": self.kind,
            "kind_reason": self.kind_reason,
            "noise_source": self.noise.source,
            "notes": [*self.notes, *([self.noise.note] if self.noise.note else [])],
            "linear": self.linear,
            "saturation": self.saturation,
            "psf_sum": self.psf_sum,
            "psf_notes": list(self.psf_notes),
        }


def policy_for(
    kind: Kind,
    dtype: Any,
    psf: Any,
    *,
    linear: bool | None = None,
    saturation: float | Literal["auto"] | None = "auto",
    psf_batch: int = 0,
    space: tuple[int, ...] | None = None,
    voxel_size: Mapping[str, float] | None = None,
    kind_reason: str = "",
    encoded: bool = True,
    noise: Noise = ESTIMATED,
    bad_pixels: Any = None,
    notes: Sequence[str] = (),
) -> Policy:
    """Decide what restoring a source means.

    Parameters
    ----------
    kind : {"array", "photo", "counts"}
        What the source is.
    dtype : dtype
        Type of its samples, as the file has them.
    psf : array, LinearOperator, PsfFile or None
        As given by the user.
    linear : bool, optional
        Override. By default photographs of 8 and 16 bits with a known PSF are restored in linear light, because a
        camera blurs light; without one, the methods that read a blur find out whether it was in linear light, and the
        search for a shake was tuned on the values that files have.
    saturation : float, None or "auto"
        Override. By default photographs of 8 and 16 bits with a known PSF of two axes clip at 0.98 of their range, and
        nothing else clips.
    psf_batch : int
        How many leading axes of `psf` count images, each with a PSF of its own.
    space : tuple of int, optional
        Shape of the image without its channels, to which a longer PSF is cropped.
    voxel_size : mapping of str to float, optional
        Micrometers along the axes Z, Y and X of the image, to which a PSF of another voxel size is resampled.
    kind_reason : str
        The evidence for `kind`.
    encoded : bool
        Whether the integers of a photograph follow the sRGB curve, as those of most files do.
    noise : Noise, optional
        What is known of the noise.
    bad_pixels : array or "auto", optional
        Defective samples, see `deblur.restoration._masks.masked_image`.
    notes : sequence of str
        Remarks on the source.

    Raises
    ------
    TypeError, ValueError
        If `psf` is not a valid point-spread function, or `saturation` no positive number.
    """
    file = psf if isinstance(psf, PsfFile) else None
    psf, psf_notes = _prepared(psf if file is None else file.psf, psf_batch, space, file, voxel_size)
    normalized, total = _normalized(psf, psf_batch)
    is_photo = kind == "photo" and str(dtype) in _ENCODED
    shown = is_photo and psf is not None
    is_undecided = linear is None and is_photo and psf is None
    if linear is None:
        linear = shown and encoded
    if saturation == "auto":
        clips = shown and getattr(psf, "ndim", 0) == 2
        saturation = _saturation(linear) if clips else None
    elif saturation is not None:
        _check_saturation(saturation)
    return Policy(
        kind,
        normalized,
        total,
        linear,
        saturation,
        kind_reason=kind_reason,
        saturated_from=1.0 if kind == "counts" and is_integer(dtype) else None,
        bad_pixels=_checked_bad_pixels(bad_pixels),
        noise=noise,
        encoded=encoded and is_undecided,
        psf_notes=psf_notes,
        notes=tuple(notes),
    )


def check_psf_array(psf: Any) -> None:
    """Raise `TypeError` unless `psf` is an array, for sources that are restored in windows."""
    if not isinstance(psf, np.ndarray | torch.Tensor):
        given = "none" if psf is None else type(psf).__name__
        raise TypeError(f"psf must be a NumPy array or a torch tensor, got {given}")


def _checked_bad_pixels(bad_pixels: Any) -> Any:
    if isinstance(bad_pixels, str) and bad_pixels != "auto":
        raise ValueError(f"bad_pixels must be 'auto' or an array that is true at defective samples, got {bad_pixels!r}")
    return bad_pixels


def _check_saturation(saturation: Any) -> None:
    is_number = isinstance(saturation, numbers.Real) and not isinstance(saturation, bool)
    if not is_number or not 0 < saturation < math.inf:
        raise ValueError(f"saturation must be a positive number or None, got {saturation!r}")


def _saturation(linear: bool) -> float:
    return float(photo.to_linear(np.array(CLIPPED))) if linear else CLIPPED


def _prepared(
    psf: Any, batch: int, space: tuple[int, ...] | None, file: PsfFile | None, image_voxels: Any
) -> tuple[Any, tuple[str, ...]]:
    """Return a PSF without what is certainly wrong with it, in the voxels and the size of the image, and notes."""
    if psf is None or batch or isinstance(psf, LinearOperator):
        return psf, ()
    as_float_tensor(psf, "psf")  # refuses what is no array of real numbers
    if not 1 <= psf.ndim <= 3:
        return psf, ()
    voxels, notes = (None, ()) if file is None else (file.voxel_size or None, file.notes)
    ready = prepare(psf, space, psf_voxel=voxels, image_voxel=image_voxels or None)
    return ready.psf, (*notes, *ready.notes)


def _normalized(psf: Any, batch: int) -> tuple[Any, float | None]:
    """Return a PSF of sum 1 (each of them, in double precision), and the sum as given (their mean)."""
    if psf is None or isinstance(psf, LinearOperator):
        return psf, None
    as_float_tensor(psf, "psf")  # refuses what is no array of real numbers
    psf = psf.detach() if isinstance(psf, torch.Tensor) else psf
    if batch:
        each = [_normalized(one, batch - 1) for one in psf]
        stack = torch.stack if isinstance(psf, torch.Tensor) else np.stack
        return stack([one for one, _ in each]), float(np.mean([total for _, total in each]))
    values: Any = psf.double() if isinstance(psf, torch.Tensor) else np.asarray(psf, np.float64)
    scaled, total = normalize(values), float(values.sum())
    return (psf if abs(total - 1) < _NORMALIZED else scaled), total
