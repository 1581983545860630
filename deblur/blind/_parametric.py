"""Blurs of a known kind, whose size and direction are read from the picture: a disk, a straight motion, a Gaussian."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from deblur import psf
from deblur._core.arrays import Array, ArrayT
from deblur._core.own_state import own_state
from deblur._core.progress import Progress, silent, span
from deblur._result import Restoration
from deblur.nonblind import NoiseModel, estimate_noise

from ._encoding import Encodings, harms
from ._final_step import SEARCHING, SHARPENING, by_network, by_sparsity
from ._judge import flaw_of
from ._kind import LEAST_SOFTNESS, Reader, too_small
from ._picture import unusable_reason
from ._sharpness import root

_ESTIMATION_SHARE = 0.1  # of the time, of photographs of a megapixel
_DOUBTFUL, _FAINT = 0.3, 0.6  # confidence: below, the image stays as it is, or the result says that it may be wrong

# Noise levels that stand for the error of a PSF that was read, in the light: a disk is read to a twentieth of its
# radius, a motion less well, and a Gaussian is only like the blur. Chosen on photographs of BSDS500's training set.
_ERROR = {"focus": 0.004, "motion": 0.007, "soft": 0.007}
_EVEN = 0.5  # evidence; fainter zeros are those of a motion whose speed was not even, as of the clock of scikit-image
_UNEVEN = 0.01  # its error, for the method that leaves no rails on the clock: in dB, on simulated ones, no better

# Of a soft picture; a PSF that is too narrow costs little, and one that is too wide rings: sharp pictures lose up to
# 26 dB. Chosen on Set14 and BSDS500, where no sharp picture of 285 loses.
WIDE, _OF_WIDE = 1.5, 0.6  # pixels, and confidence: shakes of thick strokes look like wide Gaussians; by hand
_TRIAL_SIDE = 256  # pixels of the window that is restored to tell whether the softness was in linear light,
_CAMERAS = 0.15  # and how much worse it may be there: where the wrong light does harm, the difference is .3 to .5
_PART, _OF_SCENES = 0.8, 0.35  # of the variance of the edges, of which that of edges in sharp photographs is taken off
# Of a JPEG less, whose steps make more of an error: 12 of the softest pictures of that training set and 5 others, with
# Gaussians of .8 and 1.2 px at quality 85, gain 1.6 dB in the mean and not 1.4; of sharp ones the worst .0, not -.6.
# Of wide softness the steps take less: 8 pictures with 1.6 to 3 px gain 2.5 dB in the mean, not 2.3 as with that part.
_PART_OF_JPEG = 0.7
_NOISY = 0.006  # level from which on there was noise in a file before it was compressed; by hand
_LARGE = 2**20  # pixels of a picture of which a window is tried first


class Found(NamedTuple):
    """A blur that was read.

    Attributes
    ----------
    psf : numpy.ndarray
        Its point-spread function.
    confidence : float
        Of the reading.
    doubt : str
        Why it is not higher.
    is_linear : bool
        Whether the blur was in linear light.
    error : float
        Noise level that stands for the error of the PSF.
    facts : dict
        The parameters, for the details of a result.
    step : callable
        The final step that suits it.
    """

    psf: np.ndarray
    confidence: float
    doubt: str
    is_linear: bool
    error: float
    facts: dict[str, Any]
    step: Callable[..., torch.Tensor] = by_network


@own_state()
def defocus(
    image: ArrayT,
    *,
    noise_level: float | NoiseModel | None = None,
    weights: Array | None = None,
    channel_axis: int | None = None,
    encoded: bool = False,
    progress: Progress | None = None,
) -> Restoration:
    """Restore a photograph that is out of focus: a uniform disk, whose radius is read from the spectrum.

    The power spectrum, averaged over blocks of a window, is compared with that of a scene, whose spectrum is smooth,
    blurred by disks of radius 1 to 20 pixels and more, and by Gaussians: the zeros of the disk's transform leave dark
    rings. Large disks are read from the picture at half its size. More robust than `sparse_edges` where the blur is a
    disk, and wrong where it is not.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred photograph, shape ``(height, width)`` and a channel axis where there are channels, 128 pixels per side
        or more; integers are scaled to [0, 1].
    noise_level : float or NoiseModel, optional
        Standard deviation of the noise, in the unit of the image; estimated if None.
    weights : numpy.ndarray or torch.Tensor, optional
        Weight of each sample, at least 0, broadcastable to `image`: 0 for defective samples, whose values are ignored.
    channel_axis : int, optional
        Axis of the channels, if there is one.
    encoded : bool
        Whether the values follow the sRGB curve, as those of photographs of 8 and 16 bits do. The blur is then looked
        for in linear light, where a camera blurs, and in the values as they are, where programs do; the picture is
        restored where there is more evidence, which ``details["linear"]`` tells.
    progress : callable, optional
        ``progress(fraction, stage)``, called with the completed fraction, 0 to 1, and what is being done.

    Returns
    -------
    Restoration
        Its confidence is how much better a disk explains the spectrum than a Gaussian. Where it is not better, or the
        restored picture has ripples that the blurred one had not, ``changed`` is false.

    Raises
    ------
    TypeError, ValueError
        If the image is not a real array of two axes (and a channel axis), or has NaN or infinite values.

    Examples
    --------
    >>> import numpy as np
    >>> from skimage.data import camera
    >>> from deblur import psf
    >>> from deblur.blind import defocus
    >>> from deblur.operators import Convolution
    >>> scene = camera()[::2, ::2] / 255
    >>> noise = 0.003 * np.random.default_rng(0).standard_normal(scene.shape)
    >>> defocus(Convolution(psf.disk(4), scene.shape, "reflect")(scene) + noise).psf.shape
    (9, 9)
    """
    photograph = Encodings(image, channel_axis, noise_level, encoded=encoded, method="defocus", weights=weights)
    return _restored(photograph, find_disk, progress)


@own_state()
def motion(
    image: ArrayT,
    *,
    noise_level: float | NoiseModel | None = None,
    weights: Array | None = None,
    channel_axis: int | None = None,
    encoded: bool = False,
    progress: Progress | None = None,
) -> Restoration:
    """Restore a photograph blurred by straight motion, whose length and angle are read from the picture.

    The angle is that of the ridge in the autocorrelation of the picture's second derivative. The length is that of the
    bar whose parallel dark lines are in the spectrum, as `defocus` finds its rings; of motions of 15 pixels and more it
    is the distance of the negative peak in the autocorrelation of the picture's corners (Yitzhaky and Kopeika, Graph.
    Models Image Process. 1997). Up to 60 pixels, and more in large pictures, which are read at a quarter of their size.

    Parameters
    ----------
    image, noise_level, weights, channel_axis, encoded, progress
        See `defocus`.

    Returns
    -------
    Restoration
        See `defocus`.

    Raises
    ------
    TypeError, ValueError
        If the image is not a real array of two axes (and a channel axis), or has NaN or infinite values.

    Examples
    --------
    >>> import numpy as np
    >>> from skimage.data import camera
    >>> from deblur import psf
    >>> from deblur.blind import motion
    >>> from deblur.operators import Convolution
    >>> scene = camera()[::2, ::2] / 255
    >>> noise = 0.003 * np.random.default_rng(0).standard_normal(scene.shape)
    >>> motion(Convolution(psf.motion(11), scene.shape, "reflect")(scene) + noise).psf.shape
    (1, 11)
    """
    photograph = Encodings(image, channel_axis, noise_level, encoded=encoded, method="motion", weights=weights)
    return _restored(photograph, find_motion, progress)


@own_state()
def soft(
    image: ArrayT,
    *,
    noise_level: float | NoiseModel | None = None,
    weights: Array | None = None,
    channel_axis: int | None = None,
    encoded: bool = False,
    progress: Progress | None = None,
) -> Restoration:
    """Restore a photograph that is a little soft: a Gaussian, whose widths are those of the sharpest edges.

    The blur across the sharpest edges is measured in eight directions, an ellipse is fitted, and a part of it is taken
    back, of a JPEG a smaller one, so that a picture that was sharp loses nothing. Pictures whose edges are narrower
    than 0.8 pixels are left as they are.

    Parameters
    ----------
    image, noise_level, weights, channel_axis, encoded, progress
        See `defocus`.

    Returns
    -------
    Restoration
        See `defocus`; ``details["sigma"]`` are the standard deviations of the Gaussian along its major and minor axis.
        The confidence is 1 where the major one is below 1.5 pixels: what is wider may be a shake of thick strokes.

    Raises
    ------
    TypeError, ValueError
        If the image is not a real array of two axes (and a channel axis), or has NaN or infinite values.

    Examples
    --------
    >>> import numpy as np
    >>> from skimage.data import camera
    >>> from deblur import psf
    >>> from deblur.blind import soft
    >>> from deblur.operators import Convolution
    >>> scene = camera()[::2, ::2] / 255
    >>> soft(scene).changed, soft(Convolution(psf.gaussian(1.5), scene.shape, "reflect")(scene)).changed
    (False, True)
    """
    photograph = Encodings(image, channel_axis, noise_level, encoded=encoded, method="soft", weights=weights)
    return _restored(photograph, find_softness, progress)


def find_disk(reader: Reader) -> Found:
    """Return the disk that a picture shows best."""
    disk = reader.disk
    confidence = disk.confidence
    doubt = _doubt("disk", confidence)
    facts = {"radius": disk.radius}
    return Found(psf.disk(disk.radius), confidence, doubt, disk.is_linear, _ERROR["focus"], facts)


def find_motion(reader: Reader) -> Found:
    """Return the straight motion that a picture shows best."""
    found = reader.motion
    doubt = _doubt("straight motion", found.confidence)
    facts = {"length": found.length, "angle": found.angle}
    kernel = psf.motion(found.length, found.angle)
    is_even = found.evidence > _EVEN
    error = _ERROR["motion"] if is_even else _UNEVEN
    step = by_network if is_even else by_sparsity
    return Found(kernel, found.confidence, doubt, found.is_linear, error, facts, step)


def find_softness(reader: Reader) -> Found:
    """Return the part of a picture's softness that may be taken back."""
    edges = reader.softness
    if edges is None or root(edges.major) < LEAST_SOFTNESS:
        is_blank = edges is None
        doubt = "the picture shows too few edges" if is_blank else "its edges are as sharp as those of sharp pictures"
        return Found(np.ones((1, 1)), 0.0, doubt, False, 0.0, {})
    is_small = root(edges.major) < WIDE
    part = _PART_OF_JPEG if is_small and reader.photograph.stored.is_compressed else _PART
    major, minor = (math.sqrt(max(part * each - _OF_SCENES**2, 0.01)) for each in edges[:2])
    facts = {"sigma": (major, minor), "angle": edges.angle}
    kernel = psf.gaussian((minor, major), angle=edges.angle)
    window = reader.edges.window(_TRIAL_SIDE)
    in_light, as_stored = harms(reader.photograph, torch.from_numpy(kernel).float(), _ERROR["soft"], window)
    is_linear = in_light < as_stored + _CAMERAS
    confidence, doubt = (1.0, "") if major < WIDE else (_OF_WIDE, "it may have been a shake")
    return Found(kernel, confidence, doubt, is_linear, _ERROR["soft"], facts)


@torch.inference_mode()
def _restored(photograph: Encodings, find: Callable[[Reader], Found], progress: Progress | None) -> Restoration:
    report = progress or silent
    report(0.0, SEARCHING)
    picture = photograph.stored
    reason = unusable_reason(picture)
    if reason:
        return picture.unchanged(0.0, reason, next_steps=())
    reason = too_small(picture)
    if reason:
        return picture.unchanged(0.0, reason, next_steps=("shake", "psf"))
    reader = Reader(photograph)
    return sharpened(reader, find(reader), progress)


def sharpened(reader: Reader, found: Found, progress: Progress | None) -> Restoration:
    """Restore a photograph with the blur that was found, unless that is doubtful or makes it worse."""
    photograph, report = reader.photograph, progress or silent
    if found.confidence < _DOUBTFUL:
        return photograph.stored.unchanged(found.confidence, found.doubt)
    report(_ESTIMATION_SHARE, SHARPENING)
    kernel = torch.from_numpy(found.psf).float()
    found = found._replace(error=max(found.error, _unseen_noise(reader, found)))
    flaw = ""
    if photograph.stored.y[0].numel() > _LARGE:  # of which a part is looked at first: to restore all takes minutes
        window = reader.edges.window(math.isqrt(_LARGE))
        flaw = flaw_of(*photograph.trial(kernel, found.error, found.is_linear, window, step=found.step))
    if not flaw:
        part = span(progress, _ESTIMATION_SHARE, 1)
        channels = photograph.restored(kernel, found.error, found.is_linear, part, step=found.step)
        flaw = flaw_of(photograph.stored.y, channels)
    report(1.0, SHARPENING)
    if flaw:
        return photograph.stored.unchanged(0.0, f"undoing the likeliest blur {flaw}")
    details = found.facts | ({"linear": found.is_linear} if photograph.light is not None else {})
    return photograph.stored.restored(channels, kernel, found.confidence, found.doubt, details)


def _unseen_noise(reader: Reader, found: Found) -> float:
    """Return the noise level of a JPEG that is seen only at frequencies that the blur has removed.

    The finest details, of which the level is estimated without a PSF, are what compression has taken away.
    """
    picture = reader.photograph.blurred(found.is_linear)
    level = float(picture.noise_with(0.0, of_mean=True).white or 0.0)
    if not picture.is_compressed or level < _NOISY:
        return 0.0
    part = (slice(None), *reader.edges.window(_TRIAL_SIDE))
    seen = estimate_noise(picture.y[part].mean(0), torch.from_numpy(found.psf).float())
    return math.sqrt(max(0.0, seen**2 - level**2))


def _doubt(blur: str, confidence: float) -> str:
    if confidence >= _FAINT:
        return ""
    return f"the picture shows {'no' if confidence < _DOUBTFUL else 'only faint'} traces of a {blur}"
