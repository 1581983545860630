"""What the autocorrelation says of a straight motion: a ridge along it, and a negative peak at its ends."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy.ndimage as ndi

from deblur import psf
from deblur.operators import Convolution

_SHORTEST, _LONGEST = 8, 60  # pixels; at shorter distances a corner is anti-correlated with itself
_SPREAD = 6.0  # degrees on either side of the given direction; by hand


# By hand, on 16 photographs blurred by disks, motions, Gaussians and shakes.
_NEAR, _FAR = 4, 24  # pixels: distances between which a ridge and a ring are looked for
_OUTLIERS = 4  # standard deviations, at which the second derivative is cut


class Ridge(NamedTuple):
    """The shape of the autocorrelation of an image's second derivative.

    Attributes
    ----------
    strength : float
        The most by which it exceeds its mean at that distance: blur in one direction leaves a ridge along it.
    angle : float
        Of that place, in degrees from 0 to 180.
    ring : float
        How far below 0 the mean at a distance goes: deep for a blur with a rim.
    """

    strength: float
    angle: float
    ring: float


def ridge_of(picture: np.ndarray) -> Ridge:
    """Find the ridge that blur in one direction leaves in the autocorrelation.

    Parameters
    ----------
    picture : numpy.ndarray
        Shape (height, width).

    Examples
    --------
    >>> from skimage import data
    >>> ridge = ridge_of(data.clock() / 255)
    >>> ridge.strength > 0.5
    True
    """
    z = ndi.gaussian_laplace(np.asarray(picture, np.float64), 1.0)
    z = np.clip(z, -_OUTLIERS * z.std(), _OUTLIERS * z.std())
    spectrum = np.fft.rfft2(z - z.mean(), s=[2 * side for side in z.shape])
    whole = np.fft.irfft2(np.square(np.abs(spectrum)))
    around = np.roll(whole, (_FAR, _FAR), (0, 1))[: 2 * _FAR + 1, : 2 * _FAR + 1]
    around /= max(around[_FAR, _FAR], np.finfo(float).tiny)
    down, right = np.mgrid[-_FAR : _FAR + 1, -_FAR : _FAR + 1]
    distance = np.hypot(down, right)
    ring = distance.round().astype(int)
    mean = np.bincount(ring.ravel(), around.ravel()) / np.bincount(ring.ravel())
    excess = np.where((distance >= _NEAR) & (distance <= _FAR), around - mean[ring], -np.inf)
    top = np.unravel_index(excess.argmax(), excess.shape)
    angle = math.degrees(math.atan2(-down[top], right[top])) % 180
    return Ridge(float(excess[top]), angle, float(-mean[_NEAR : _FAR + 1].min()))


class MotionEstimate(NamedTuple):
    """A displacement at which the corners of an image are anti-correlated.

    Attributes
    ----------
    length, angle : float
        In pixels, and in degrees from -90 to 90, as `deblur.psf.motion` takes them.
    z_score : float
        Depth of the negative peak, in standard deviations of the autocorrelation elsewhere.
    """

    length: float
    angle: float
    z_score: float


def estimate_motion(picture: np.ndarray, direction: float) -> MotionEstimate:
    """Estimate the length of a linear motion whose direction is known to a few degrees.

    Motion at constant speed turns every corner of the scene into two corners of opposite sign, one at each end of a
    streak. So the corner image, displaced by the whole motion, is anti-correlated with itself, and its autocorrelation
    has its negative peak there. Corners have a large second derivative along and across the motion; smooth shading and
    long edges, which would hide the peak, do not. The autocorrelation is the adjoint of convolution in the kernel,
    applied to the image twice.

    Parameters
    ----------
    picture : numpy.ndarray
        Shape (height, width).
    direction : float
        Of the motion, in degrees.

    Returns
    -------
    MotionEstimate
        From 8 to 60 pixels long.

    References
    ----------
    Y. Yitzhaky and N. S. Kopeika, "Identification of blur parameters from motion blurred images", Graph. Models Image
    Process. 59 (1997), find the length of a motion this way, from the derivative along it.

    Examples
    --------
    >>> from skimage import data
    >>> length, angle, z_score = estimate_motion(data.clock() / 255, direction=0)
    >>> print(f"{length:.1f} pixels at {angle:.1f} degrees")
    36.0 pixels at 1.6 degrees
    """
    autocorrelation = _autocorrelation(_corners(picture, math.radians(direction)))
    down, right = np.mgrid[-_LONGEST : _LONGEST + 1, -_LONGEST : _LONGEST + 1]
    distance, angle = np.hypot(down, right), np.degrees(np.arctan2(-down, right))
    turn = (angle - direction + 90) % 180 - 90
    within = (distance >= _SHORTEST) & (distance <= _LONGEST)
    peak = np.unravel_index(
        np.where(within & (np.abs(turn) <= _SPREAD), autocorrelation, np.inf).argmin(), distance.shape
    )
    z_score = float(-autocorrelation[peak] / max(float(autocorrelation[within].std()), np.finfo(float).tiny))
    return MotionEstimate(float(distance[peak]), float((angle[peak] + 90) % 180 - 90), z_score)


def _corners(picture: np.ndarray, direction: float) -> np.ndarray:
    """Differentiate along a direction and across it, smoothed by a Gaussian of one pixel."""
    weight = psf.gaussian((1.0, 1.0))
    down, right = np.indices(weight.shape) - weight.shape[0] // 2
    along = math.cos(direction) * right - math.sin(direction) * down
    across = math.sin(direction) * right + math.cos(direction) * down
    slopes = weight * along * across
    return Convolution(slopes - slopes.mean(), picture.shape, "valid")(picture)


def _autocorrelation(x: np.ndarray) -> np.ndarray:
    shifts = Convolution(np.zeros((2 * _LONGEST + 1, 2 * _LONGEST + 1)), x.shape, "zero")
    return shifts.kernel_adjoint(x, x)
