"""Registration of an estimate to the truth by translation, as in Levin's `comp_upto_shift.m`."""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.optimize

from ._metrics import check_same_shape


def best_shift(
    estimate: np.ndarray, truth: np.ndarray, *, margin: int = 15, reach: int = 10, steps: int = 4
) -> tuple[float, float]:
    """Find the shift of the estimate, on a sub-pixel grid, with the least squared error.

    Blind deconvolution determines image and PSF only up to a shift, so a score has to search for it. The estimate is
    moved by every ``(i / steps, j / steps)`` up to `reach` pixels with bilinear interpolation, and compared with the
    truth inside its margin: exactly the exhaustive search of Levin's `comp_upto_shift.m`.

    It is fast because bilinear interpolation mixes four whole-pixel neighbors ``E_a``, so that the score of every
    sub-pixel shift is a quadratic form in four weights, ``Σ w_a w_b <E_a, E_b> - 2 Σ w_a <E_a, T> + <T, T>``. Its
    coefficients depend on the whole-pixel shift only: ``<E_a, T>`` is one correlation by FFT, ``<E_a, E_b>`` are sums
    over a moving window.

    Parameters
    ----------
    estimate, truth : numpy.ndarray
        Images of the same shape ``(height, width)``.
    margin : int
        Pixels of the truth to ignore at each side.
    reach : int
        Largest shift in pixels, at most `margin`.
    steps : int
        Steps per pixel.

    Returns
    -------
    tuple of float
        ``(dy, dx)`` in pixels: ``truth[y, x]`` matches ``estimate[y + dy, x + dx]``; the first in row order among
        equals.

    Raises
    ------
    ValueError
        If the shapes differ, the images are not 2-D, the margin leaves nothing, or `reach` exceeds it.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.benchmark import best_shift
    >>> truth = np.random.default_rng(0).random((64, 64))
    >>> best_shift(np.roll(truth, (3, -2), axis=(0, 1)), truth)
    (3.0, -2.0)
    """
    _check_shift(estimate, truth, margin, reach)
    target = _less_margin(truth, margin).astype(np.float64)
    height, width = target.shape
    # One more row and column than the shifts reach: the far neighbors of the last one, which have zero weight.
    first, last = margin - reach, margin + reach + 1
    view = np.pad(estimate.astype(np.float64), ((0, 1), (0, 1)))[first : last + height, first : last + width]
    cross = _correlate(view, target)
    gram = {step: _window_sums(view * _moved(view, step), target.shape) for step in ((0, 0), (0, 1), (1, 0), (1, 1))}
    gram[1, -1] = _window_sums(_moved(view, (0, 1)) * _moved(view, (1, 0)), target.shape)  # the other diagonal
    size = 2 * reach + 1
    scores = np.full((2 * reach * steps + 1, 2 * reach * steps + 1), np.inf)
    for i in range(steps):
        for j in range(steps):
            rows, columns = (size if k == 0 else size - 1 for k in (i, j))  # no fraction past the last whole shift
            scores[i::steps, j::steps] = _quadratic_form(gram, cross, i / steps, j / steps)[:rows, :columns]
    scores += np.sum(target**2)
    # The transforms round: every candidate this close to the minimum is evaluated again by direct summation.
    near = np.argwhere(scores <= scores.min() + 1e-9 * max(np.sum(target**2), np.sum(view**2)))
    shifts = [(float(i) / steps, float(j) / steps) for i, j in near - reach * steps]
    exact = [np.sum((shifted(estimate, shift, margin=margin) - target) ** 2) for shift in shifts]
    return shifts[int(np.argmin(exact))]


def shifted(estimate: np.ndarray, shift: tuple[float, float], *, margin: int = 15) -> np.ndarray:
    """Shift an image as `best_shift` does, with bilinear interpolation, and crop the margin.

    Parameters
    ----------
    estimate : numpy.ndarray
        Image of shape ``(height, width)``.
    shift : tuple of float
        ``(dy, dx)`` in pixels, at most `margin` either way.
    margin : int
        Pixels to crop at each side.

    Returns
    -------
    numpy.ndarray
        Shape ``(height - 2 margin, width - 2 margin)``, float64.

    Raises
    ------
    ValueError
        If the image does not have two axes, the margin leaves nothing, or the shift exceeds it.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.benchmark import shifted
    >>> ramp = np.arange(5.0) * np.ones((5, 1))
    >>> shifted(ramp, (0.0, 0.5), margin=1)[0]
    array([1.5, 2.5, 3.5])
    """
    whole = np.floor(shift).astype(int)
    fractions = np.asarray(shift) - whole
    padded = np.pad(estimate.astype(np.float64), ((0, 1), (0, 1)))
    top, left = margin + whole
    height, width = (size - 2 * margin for size in estimate.shape)
    result = np.zeros((height, width))
    for dy, dx, weight in _neighbors(*fractions):
        result += weight * padded[top + dy : top + dy + height, left + dx : left + dx + width]
    return result


def finely_shifted(estimate: np.ndarray, truth: np.ndarray, *, margin: int = 15) -> np.ndarray:
    """Register an image to the truth by a Fourier shift of any fraction of a pixel, and crop the margin.

    Bilinear interpolation smooths, most at half a pixel, and so favors estimates that are too sharp; this does not.

    Parameters
    ----------
    estimate, truth : numpy.ndarray
        Images of the same shape ``(height, width)``.
    margin : int
        Pixels to crop at each side.

    Returns
    -------
    numpy.ndarray
        Shape ``(height - 2 margin, width - 2 margin)``.

    Examples
    --------
    >>> import numpy as np
    >>> wave = np.cos(2 * np.pi / 40 * (np.arange(40) - 0.3)) * np.ones((40, 1))
    >>> truth = np.cos(2 * np.pi / 40 * np.arange(40)) * np.ones((40, 1))
    >>> bool(np.abs(finely_shifted(wave, truth) - truth[15:-15, 15:-15]).max() < 1e-3)
    True
    """
    target = _less_margin(truth, margin)
    spectrum = scipy.fft.rfft2(estimate)
    down, across = scipy.fft.fftfreq(estimate.shape[0])[:, None], scipy.fft.rfftfreq(estimate.shape[1])

    def moved(shift: np.ndarray) -> np.ndarray:
        turned = spectrum * np.exp(2j * np.pi * (shift[0] * down + shift[1] * across))
        return _less_margin(scipy.fft.irfft2(turned, estimate.shape), margin)

    start = best_shift(estimate, truth, margin=margin, reach=min(10, margin))
    best = scipy.optimize.minimize(
        lambda shift: float(np.sum((moved(shift) - target) ** 2)),
        start,
        method="Nelder-Mead",
        options={"initial_simplex": np.add(start, [(0, 0), (0.3, 0), (0, 0.3)]), "xatol": 1e-3, "maxfev": 80},
    )
    return moved(best.x)


def _check_shift(estimate: np.ndarray, truth: np.ndarray, margin: int, reach: int) -> None:
    check_same_shape(estimate, truth)
    if truth.ndim != 2:
        raise ValueError(f"truth must be an image of two axes, got shape {truth.shape}")
    if not 0 <= reach <= margin:
        raise ValueError(f"reach must be between 0 and the margin, {margin}, got {reach}")
    if min(truth.shape) <= 2 * margin:
        raise ValueError(f"truth must be larger than its margins, {2 * margin}, got shape {truth.shape}")


def _less_margin(image: np.ndarray, margin: int) -> np.ndarray:
    return image[margin : image.shape[0] - margin, margin : image.shape[1] - margin]


def _moved(view: np.ndarray, step: tuple[int, int]) -> np.ndarray:
    """Shift by at most one row and column towards the origin, filling with zeros."""
    return np.pad(view, ((0, step[0]), (0, step[1])))[step[0] :, step[1] :]


def _correlate(view: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return ``sum(target * window of view)`` for every position of the window."""
    shape = tuple(scipy.fft.next_fast_len(size, real=True) for size in view.shape)
    spectrum = scipy.fft.rfft2(view, shape) * scipy.fft.rfft2(target, shape).conj()
    places = tuple(v - t + 1 for v, t in zip(view.shape, target.shape, strict=True))
    return scipy.fft.irfft2(spectrum, shape)[: places[0], : places[1]]


def _window_sums(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the sums over all windows of `shape`, by cumulative sums."""
    sums = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    rows = sums[shape[0] :] - sums[: -shape[0]]
    return rows[:, shape[1] :] - rows[:, : -shape[1]]


def _neighbors(dy: float, dx: float) -> list[tuple[int, int, float]]:
    """Return the four whole pixels around a point, with their bilinear weights."""
    return [(0, 0, (1 - dy) * (1 - dx)), (0, 1, (1 - dy) * dx), (1, 0, dy * (1 - dx)), (1, 1, dy * dx)]


def _quadratic_form(gram: dict[tuple[int, int], np.ndarray], cross: np.ndarray, dy: float, dx: float) -> np.ndarray:
    """Return ``|E|² - 2 <E, T>`` for E shifted by every whole shift plus the fraction ``(dy, dx)``."""
    places = cross.shape[0] - 1, cross.shape[1] - 1
    neighbors = _neighbors(dy, dx)
    total = np.zeros(places)
    for y, x, weight in neighbors:
        total -= 2 * weight * cross[y : y + places[0], x : x + places[1]]
        for v, u, other in neighbors:
            step, (top, left) = _step_between((y, x), (v, u))
            total += weight * other * gram[step][top : top + places[0], left : left + places[1]]
    return total


def _step_between(a: tuple[int, int], b: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return which stored product belongs to two neighbors, and its offset; each is stored once, in row order."""
    (y, x), (v, u) = sorted((a, b))
    if u < x:  # the antidiagonal: stored at the top left corner of the block of four
        return (1, -1), (0, 0)
    return (v - y, u - x), (y, x)
