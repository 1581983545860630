"""Scores of an estimate against the truth.

All images are NumPy arrays in [0, 1] unless stated otherwise.
"""

from __future__ import annotations

import numpy as np
import scipy.signal

RESAMPLES = 2000
"""Bootstrap samples; Efron and Tibshirani (1993) advise at least 1000 for percentile intervals."""


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
        Largest possible value of an image.

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
    """Structural similarity with Wang's window: 11 samples per axis, Gaussian of sigma 1.5, valid part only.

    Equal to the authors' `ssim.m` for images up to 383 pixels; that script downsamples larger ones first.
    Volumes take an 11 x 11 x 11 window; the channels of a color image are averaged.

    Parameters
    ----------
    estimate, truth : numpy.ndarray
        Arrays of the same shape in [0, 1], at least 11 samples per axis.
    channel_axis : int, optional
        Color axis.

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
    """Levin's error ratio: squared error of the estimate over that of the restoration with the true PSF.

    Parameters
    ----------
    estimate, reference, truth : numpy.ndarray
        Aligned arrays of one shape; `reference` was restored with the true PSF by the same final step.

    Returns
    -------
    float
        1 where knowing the PSF would not have helped; the literature calls up to 2 or 3 a success.

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
    """Ratio of the largest singular values of two errors, which SelfDeblur's script calls error ratio.

    Published tables mix it with the ratio of squared errors, `error_ratio`; the two are not comparable.

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
    """Similarity of two PSFs: the maximum of their normalized cross-correlation over all shifts.

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
    """Norm of the error over the norm of the mean-free truth, after the best affine match of intensities.

    A microscope's gain and offset are arbitrary: the estimate is replaced by ``a * estimate + b`` with a and b by
    least squares. This is ``sqrt(1 - r²)``, r being the correlation coefficient of the two.

    Parameters
    ----------
    estimate, truth : numpy.ndarray
        Arrays of one shape, in any units.

    Returns
    -------
    float
        From 0 to 1, the value of a constant estimate.

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
    """Ellipticity of a galaxy, from its second moments under a circular Gaussian window.

    Parameters
    ----------
    galaxy : numpy.ndarray
        Image of shape ``(height, width)``; negative values are not clipped.
    sigma : float
        Of the window, in pixels. Starting at the center of the image, it is moved onto the weighted centroid.

    Returns
    -------
    numpy.ndarray
        ``(e1, e2) = (Qxx - Qyy, 2 Qxy) / (Qxx + Qyy)``; the window biases it towards zero.

    Raises
    ------
    ValueError
        If the image does not have two axes.

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
    """Confidence interval of a mean by the percentile bootstrap (Efron 1979).

    Parameters
    ----------
    values : numpy.ndarray
        One score per image, or one difference per image for a paired comparison, shape ``(n,)``.
    level : float
        Nominal coverage, in (0, 1).
    seed : int
        Of the resampling.

    Returns
    -------
    tuple of float
        Lower and upper end.

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
        raise ValueError("values are empty: they have no mean")
    draws = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
