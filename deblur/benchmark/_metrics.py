"""Scores: how near an estimate comes to the truth, under rules that are written down.

Everything here takes and returns NumPy arrays in the unit of the image, [0, 1].
"""

from __future__ import annotations

import numpy as np
import scipy.signal

RESAMPLES = 2000


def check_same_shape(estimate: np.ndarray, truth: np.ndarray) -> None:
    """Raise `ValueError` if the two differ in shape."""
    if estimate.shape != truth.shape:
        raise ValueError(f"estimate must have the shape of the truth, {truth.shape}, got {estimate.shape}")


def psnr(estimate: np.ndarray, truth: np.ndarray, *, peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio, ``10 log10(peak² / mean squared error)``.

    Parameters
    ----------
    estimate, truth : numpy.ndarray
        Arrays of the same shape. Nothing is clipped or rounded here.
    peak : float
        The brightest value an image can have.

    Returns
    -------
    float
        In dB; infinity for a perfect estimate.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.benchmark import psnr
    >>> round(psnr(np.full((4, 4), 0.6), np.full((4, 4), 0.5)), 6)
    20.0
    """
    check_same_shape(estimate, truth)
    error = float(np.mean(np.square(estimate - truth, dtype=np.float64)))
    return float("inf") if error == 0 else float(10 * np.log10(peak**2 / error))


def ssim(estimate: np.ndarray, truth: np.ndarray, *, channel_axis: int | None = None) -> float:
    """Structural similarity with Wang's window: 11 samples an axis, Gaussian of sigma 1.5, its valid part.

    What the authors' `ssim.m` computes for images up to 383 pixels; larger ones it downsamples first, this does not.
    Volumes take an 11 x 11 x 11 window; the channels of a color image are averaged.

    Parameters
    ----------
    estimate, truth : numpy.ndarray
        Arrays of the same shape in [0, 1], at least 11 samples an axis.
    channel_axis : int, optional
        The axis of color.

    Returns
    -------
    float
        At most 1.

    Raises
    ------
    ValueError
        If the shapes differ or an axis is shorter than the window.

    References
    ----------
    Wang et al., "Image quality assessment", IEEE Trans. Image Processing 2004, with K1 = 0.01 and K2 = 0.03.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.benchmark import ssim
    >>> image = np.random.default_rng(0).random((32, 32))
    >>> round(ssim(image, image), 6)
    1.0
    """
    from skimage.metrics import structural_similarity  # slow to import

    check_same_shape(estimate, truth)
    return float(
        structural_similarity(
            estimate.astype(np.float64),
            truth.astype(np.float64),
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            channel_axis=channel_axis,
        )
    )


def eight_bits(image: np.ndarray) -> np.ndarray:
    """Clip to [0, 1] and round to the 256 levels of an 8-bit file.

    Examples
    --------
    >>> import numpy as np
    >>> eight_bits(np.array([-0.2, 0.5, 1.3])) * 255
    array([  0., 128., 255.])
    """
    return np.round(np.clip(image, 0, 1).astype(np.float64) * 255) / 255


def error_ratio(estimate: np.ndarray, reference: np.ndarray, truth: np.ndarray) -> float:
    """Levin's error ratio: the estimate's sum of squared errors by that of the known PSF's restoration.

    Parameters
    ----------
    estimate, reference, truth : numpy.ndarray
        Aligned arrays of one shape; `reference` was restored with the true PSF by the same final step.

    Returns
    -------
    float
        1 where knowing the PSF would not have helped; "success" is commonly at most 2 or 3.

    Raises
    ------
    ValueError
        If the shapes differ.

    References
    ----------
    Levin et al., "Understanding and evaluating blind deconvolution algorithms", CVPR 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.benchmark import error_ratio
    >>> error_ratio(np.full(4, 0.2), np.full(4, 0.1), np.zeros(4))
    4.0
    """
    check_same_shape(estimate, truth)
    check_same_shape(reference, truth)
    return float(np.sum((estimate - truth) ** 2) / np.sum((reference - truth) ** 2))


def spectral_error_ratio(estimate: np.ndarray, reference: np.ndarray, truth: np.ndarray) -> float:
    """Compute what SelfDeblur's script calls error ratio: a ratio of largest singular values, not of squared errors.

    Published tables mix the two definitions; they are not comparable. Arguments as in `error_ratio`, 2-D.

    Parameters
    ----------
    estimate, reference, truth : numpy.ndarray
        Aligned arrays of one shape ``(height, width)``, as in `error_ratio`.

    Returns
    -------
    float
        1 where knowing the PSF would not have helped.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.benchmark import spectral_error_ratio
    >>> spectral_error_ratio(0.2 * np.eye(4), 0.1 * np.eye(4), np.zeros((4, 4)))
    2.0
    """
    check_same_shape(estimate, truth)
    check_same_shape(reference, truth)
    return float(np.linalg.norm(estimate - truth, 2) / np.linalg.norm(reference - truth, 2))


def psf_similarity(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Compare two PSFs where they fit best: the maximum over all shifts of their normalized correlation.

    Parameters
    ----------
    estimate, truth : numpy.ndarray
        PSFs of any two shapes with the same number of axes.

    Returns
    -------
    float
        1 if one is the other shifted and scaled by a positive factor.

    Raises
    ------
    ValueError
        If the numbers of axes differ.

    References
    ----------
    Hu and Yang, "Good regions to deblur", ECCV 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.benchmark import psf_similarity
    >>> round(psf_similarity(np.eye(3), np.pad(2 * np.eye(3), ((0, 4), (2, 0)))), 6)
    1.0
    """
    correlation = scipy.signal.correlate(estimate.astype(np.float64), truth.astype(np.float64), mode="full")
    return float(correlation.max() / (np.linalg.norm(estimate) * np.linalg.norm(truth)))


def relative_error(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Norm of the error by the norm of the truth's contrast, after the best affine match of intensities.

    A microscope's gain and offset are arbitrary: the estimate is replaced by ``a * estimate + b`` with a and b by
    least squares. This is ``sqrt(1 - r²)``, r being the correlation coefficient of the two.

    Parameters
    ----------
    estimate, truth : numpy.ndarray
        Arrays of one shape, each in a unit of its own.

    Returns
    -------
    float
        From 0 to 1, which is as bad as a constant.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.benchmark import relative_error
    >>> truth = np.random.default_rng(0).random((4, 5, 6))
    >>> relative_error(3 * truth + 1, truth) < 1e-6
    True
    """
    check_same_shape(estimate, truth)
    a, b = (x.astype(np.float64).ravel() - x.mean(dtype=np.float64) for x in (estimate, truth))
    energy = float(a @ a) * float(b @ b)
    return 1.0 if energy == 0 else float(np.sqrt(max(0.0, 1 - float(a @ b) ** 2 / energy)))


def ellipticity(galaxy: np.ndarray, *, sigma: float = 5.0) -> np.ndarray:
    """Measure how a galaxy is stretched, from its second moments under a circular Gaussian window.

    Parameters
    ----------
    galaxy : numpy.ndarray
        Image of shape ``(height, width)``; negative values count as they are.
    sigma : float
        Of the window, in pixels. Its center is moved onto the galaxy's weighted centroid, from the frame's middle.

    Returns
    -------
    numpy.ndarray
        ``(e1, e2) = (Qxx - Qyy, 2 Qxy) / (Qxx + Qyy)``; the window makes a galaxy rounder than it is.

    Raises
    ------
    ValueError
        If there are not two axes.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.benchmark import ellipticity
    >>> y, x = np.mgrid[-20:21, -20:21]
    >>> e1, e2 = ellipticity(np.exp(-(x**2 / 8 + y**2 / 4)))
    >>> bool(e1 > 0.2), bool(abs(e2) < 1e-9)
    (True, True)
    """
    y, x = np.indices(galaxy.shape, dtype=np.float64)
    center = (np.array(galaxy.shape) - 1) / 2
    for _ in range(10):
        weight = galaxy * np.exp(-((y - center[0]) ** 2 + (x - center[1]) ** 2) / (2 * sigma**2))
        center = np.array([np.sum(weight * y), np.sum(weight * x)]) / np.sum(weight)
    dy, dx = y - center[0], x - center[1]
    qxx, qyy, qxy = np.sum(weight * dx * dx), np.sum(weight * dy * dy), np.sum(weight * dx * dy)
    return np.array([qxx - qyy, 2 * qxy]) / (qxx + qyy)


def bootstrap_interval(values: np.ndarray, *, level: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """Interval of the mean by resampling the values with replacement (Efron's percentile bootstrap).

    Parameters
    ----------
    values : numpy.ndarray
        One score an image, shape ``(n,)``; or one difference, for a paired comparison of two methods.
    level : float
        Coverage aimed at, in (0, 1).
    seed : int
        Of the resampling.

    Returns
    -------
    tuple of float
        Low and high end.

    Raises
    ------
    ValueError
        If there are no values, or `level` is not in (0, 1).

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.benchmark import bootstrap_interval
    >>> low, high = bootstrap_interval(np.arange(100.0))
    >>> bool(40 < low < 49.5 < high < 60)
    True
    """
    values = np.asarray(values, dtype=np.float64)
    if not values.size:
        raise ValueError("values are empty: there is no mean to give an interval of")
    draws = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
