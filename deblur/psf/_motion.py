"""Blurs of a camera that moves during the exposure."""

from __future__ import annotations

import math
import operator

import numpy as np
import numpy.typing as npt

from ._grid import Psf, Shape, choose_shape, direction, extent, half_width
from ._kinds import kind

HARMONICS = 8  # of the tremor; with amplitudes that fall as 1/n², higher ones would not be visible


@kind({"motion:length=15,angle=30": "straight motion of the camera"})
def motion(length: float, angle: float = 0.0, shape: Shape = None) -> Psf:
    """Straight motion at constant speed.

    The blur is a bar, `length` pixels long and one pixel wide, and every value is the exact area of the bar inside
    its pixel: smooth at any angle, and exact to a fraction of a pixel. ``motion(5)`` is five equal pixels in a row.

    Parameters
    ----------
    length : float
        Length in pixels. A bar shorter than one pixel is as narrow as it is short, so that 0 is no blur at any angle.
    angle : float
        Degrees, counter-clockwise on screen from the column axis: 0 is horizontal, 90 vertical. Adding 180 changes
        nothing.
    shape : int or tuple of int, optional
        Size in pixels, one for both axes or one each. By default the smallest odd size that holds the whole bar.

    Returns
    -------
    numpy.ndarray
        float64, non-negative, sum 1, centered on index k//2 of every axis.

    Raises
    ------
    TypeError, ValueError
        If `length` is not between 0 and 1e6, `angle` is not finite, or the bar does not fit into `shape`.

    Examples
    --------
    >>> from deblur import psf
    >>> psf.motion(4)
    array([[0.125, 0.25 , 0.25 , 0.25 , 0.125]])
    >>> psf.motion(3, angle=45).round(2)
    array([[0.  , 0.08, 0.18],
           [0.08, 0.3 , 0.08],
           [0.18, 0.08, 0.  ]])
    """
    length = extent(length, "length")
    half_bar = max(length, 1e-3) / 2
    along = np.array(direction(angle)) * half_bar
    across = np.array([-along[1], along[0]]) * min(1.0, 0.5 / half_bar)
    corners = np.stack([along + across, along - across, -along - across, across - along])

    rows, columns = (half_width(reach) for reach in corners.max(axis=0))
    sizes = choose_shape((rows, columns), shape, f"a motion of length {length:g} at angle {angle:g}")
    psf = _polygon_coverage(corners + np.array(sizes) // 2 + 0.5, sizes)
    return psf / psf.sum()


@kind({"camera_shake:length=31,seed=4": "unsteady hand; another seed, another path"})
def camera_shake(length: float, shape: Shape = None, *, seed: int = 0, tremor: float = 1.0) -> Psf:
    """Shake of a camera held by hand: a random smooth path, with hooks, and bright spots where the camera lingers.

    The path is a drift at constant speed plus a tremor: harmonics of the exposure time with random complex amplitudes
    that fall off with the square of the frequency. The camera spends equal light in equal times, and every instant
    adds one pixel's worth of area, shared by the (up to four) pixels under it. The idea of a random path between
    drift and tremor is that of Boracchi and Foi, who generate theirs step by step.

    Parameters
    ----------
    length : float
        Distance in pixels between the two points of the path that are farthest apart. 0 is no blur.
    shape : int or tuple of int, optional
        Size in pixels, one for both axes or one each. By default the smallest odd size that holds the whole path.
    seed : int
        Chooses the path. The same seed gives the same path at every `length`.
    tremor : float
        Strength of the tremor against the drift: 0 is a straight line at constant speed, 1 a hand-held shot, and
        far above 1 the drift no longer shows.

    Returns
    -------
    numpy.ndarray
        float64, non-negative, sum 1, its centroid on index k//2 of every axis.

    Raises
    ------
    TypeError, ValueError
        If `length` or `tremor` is not between 0 and 1e6, `seed` is not a whole number of at least 0, or the path
        does not fit into `shape`.

    References
    ----------
    G. Boracchi and A. Foi, "Modeling the performance of image restoration from motion blur", IEEE Trans. Image
    Process. 21 (2012).

    Examples
    --------
    >>> from deblur import psf
    >>> shake = psf.camera_shake(20, shape=(33, 33), seed=4)
    >>> bool((shake == psf.camera_shake(20, shape=(33, 33), seed=4)).all())
    True
    >>> psf.camera_shake(20, seed=4).shape
    (21, 17)
    """
    length = extent(length, "length")
    path = _hand_path(seed, extent(tremor, "tremor"), num_points=512 + math.ceil(64 * min(length, 1e4)))
    sparse = path[np.linspace(0, len(path) - 1, 512).round().astype(int)]
    path *= length / np.abs(sparse[:, None] - sparse).max()
    path -= path.mean()
    points = np.stack([-path.imag, path.real], axis=1)

    rows, columns = (math.ceil(reach) for reach in np.abs(points).max(axis=0) - 1e-12)
    sizes = choose_shape((rows, columns), shape, f"a camera shake of length {length:g} with seed {seed}")
    psf = _splat(points + np.array(sizes) // 2, sizes)
    return psf / psf.sum()


def _hand_path(seed: int, tremor: float, num_points: int) -> npt.NDArray[np.complex128]:
    """Return positions at equal times, as complex numbers, in no particular scale."""
    try:
        rng = np.random.default_rng(operator.index(seed))
    except (TypeError, ValueError):
        raise ValueError(f"seed must be a whole number of at least 0, got {seed!r}") from None
    drift = np.exp(2j * np.pi * rng.random())
    amplitudes = rng.standard_normal((2, HARMONICS)) + 1j * rng.standard_normal((2, HARMONICS))
    time = (np.arange(num_points) + 0.5) / num_points
    path = drift * time
    for n, (cosine, sine) in enumerate(amplitudes.T, start=1):
        turn = np.pi * n * time  # multiples of half a turn per exposure: the path need not close
        path += tremor / (4 * n**2) * (cosine * np.cos(turn) + sine * np.sin(turn))
    return path


def _splat(points: npt.NDArray[np.float64], shape: tuple[int, ...]) -> Psf:
    """Add a unit square centered on each point to the pixels it overlaps: this keeps the centroid exactly."""
    whole = np.floor(points).astype(int)
    row_share, column_share = (points - whole).T
    image = np.zeros((shape[0] + 1, shape[1] + 1))
    for row_step, row_weight in enumerate((1 - row_share, row_share)):
        for column_step, column_weight in enumerate((1 - column_share, column_share)):
            np.add.at(image, (whole[:, 0] + row_step, whole[:, 1] + column_step), row_weight * column_weight)
    return image[:-1, :-1]


def _polygon_coverage(corners: npt.NDArray[np.float64], shape: tuple[int, ...]) -> Psf:
    """Return the area of a polygon inside every pixel, exactly; pixel (i, j) is the square [i, i+1] × [j, j+1].

    Each edge, cut where it crosses pixel borders, adds the area to its right: a part of its own pixel, and all of the
    pixels farther right, which the running sum fills in. Going round the polygon, areas outside it cancel.
    """
    covered = np.zeros((shape[0] + 1, shape[1] + 2))
    for start, stop in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        cuts = [np.array([0.0, 1.0])]
        for a, b in zip(start, stop, strict=True):
            borders = np.arange(math.ceil(min(a, b)), math.floor(max(a, b)) + 1)
            if a != b:
                cuts.append((borders - a) / (b - a))
        where = np.unique(np.clip(np.concatenate(cuts), 0, 1))
        pieces = start + where[:, None] * (stop - start)
        middle = (pieces[1:] + pieces[:-1]) / 2
        height = np.diff(pieces[:, 0])
        row, column = np.floor(middle).astype(int).T
        right = middle[:, 1] - column
        np.add.at(covered, (row, column), height * (1 - right))
        np.add.at(covered, (row, column + 1), height * right)
    return np.abs(np.cumsum(covered, axis=1)[:-1, :-2])
