"""The deconvolution functions of scikit-image, by name and signature, computed by the methods of this package.

``from deblur.compat import skimage as restoration`` runs code that calls `skimage.restoration`, arguments unchanged.
Three things differ: results at the border, where the scene is assumed to continue; the center of kernels of even size,
which is always ``k // 2``; and integers, which are scaled to [0, 1]. ``faithful=True`` calls scikit-image itself, with
its known defects: Richardson-Lucy does not keep a constant image constant, and shifts the image with kernels of even
size; `wiener` drops the imaginary part of a transfer function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deblur import nonblind

Array = np.ndarray

_SAMPLER = {"threshold": "tolerance", "burnin": "burn_in", "min_num_iter": "min_iter", "max_num_iter": "max_iter"}


def wiener(
    image: Array,
    psf: Array,
    balance: float,
    reg: Array | None = None,
    is_real: bool = True,
    clip: bool = True,
    *,
    faithful: bool = False,
) -> Array:
    """Restore an image by Wiener's filter; see `skimage.restoration.wiener` and `deblur.nonblind.wiener`.

    Parameters
    ----------
    image : numpy.ndarray
        Blurred image, real, of as many axes as the PSF.
    psf : numpy.ndarray
        Point-spread function, of as many axes as the image; or, complex, a transfer function with the origin in the
        corner.
    balance : float
        Weight of the prior.
    reg : numpy.ndarray, optional
        Kernel of the prior, of as many axes, or its transfer function; the Laplacian if None.
    is_real : bool
        Whether transfer functions are half spectra, as of `numpy.fft.rfftn`, or whole ones.
    clip : bool
        Clip the result to [-1, 1].
    faithful : bool
        Call scikit-image.

    Returns
    -------
    numpy.ndarray
        Restored image.

    Raises
    ------
    ValueError
        If a shape does not fit, or `psf` is not a valid point-spread function (negative, or sums to zero) nor the
        transfer function of one.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.compat import skimage as restoration
    >>> image = np.random.default_rng(0).random((32, 32))
    >>> restoration.wiener(image, np.ones((3, 3)) / 9, balance=0.1).shape
    (32, 32)
    """
    if faithful:
        return _original("wiener")(image, psf, balance, reg, is_real, clip)
    kernel = None if reg is None else _kernel(reg, image.shape, is_real)
    restored = nonblind.wiener(image, _psf(psf, image.shape, is_real), balance=balance, regularizer=kernel)
    return _clipped(restored, clip)


def unsupervised_wiener(
    image: Array,
    psf: Array,
    reg: Array | None = None,
    user_params: dict[str, Any] | None = None,
    is_real: bool = True,
    clip: bool = True,
    *,
    rng: Any = None,
    faithful: bool = False,
) -> tuple[Array, dict[str, list[float]]]:
    """Restore an image by Wiener's filter with weights estimated from the image.

    See `skimage.restoration.unsupervised_wiener` and `deblur.nonblind.unsupervised_wiener`.

    Parameters
    ----------
    image, psf, reg, is_real, clip
        As for `wiener`.
    user_params : dict, optional
        ``threshold``, ``burnin``, ``min_num_iter``, ``max_num_iter``; ``callback`` only with `faithful`.
    rng : numpy.random.Generator or int, optional
        Random generator or seed; None is the seed 0.
    faithful : bool
        Call scikit-image.

    Returns
    -------
    restored : numpy.ndarray
        Posterior mean.
    chains : dict
        ``"noise"`` and ``"prior"``: the precisions; one each, the posterior means, where scikit-image has all samples.

    Raises
    ------
    ValueError
        As for `wiener`, and if `user_params` has other keys.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.compat import skimage as restoration
    >>> image = np.random.default_rng(0).random((32, 32))
    >>> restored, chains = restoration.unsupervised_wiener(image, np.ones((3, 3)) / 9, rng=1)
    >>> restored.shape, sorted(chains)
    ((32, 32), ['noise', 'prior'])
    """
    if faithful:
        return _original("unsupervised_wiener")(image, psf, reg, user_params, is_real, clip, rng=rng)
    parameters = {"threshold": 1e-4} | (user_params or {})
    if unknown := sorted(set(parameters) - set(_SAMPLER)):
        raise ValueError(f"user_params may have {', '.join(_SAMPLER)}, got {', '.join(unknown)}")
    seed = 0 if rng is None else int(np.random.default_rng(rng).integers(2**31))
    posterior = nonblind.unsupervised_wiener(
        image,
        _psf(psf, image.shape, is_real),
        regularizer=None if reg is None else _kernel(reg, image.shape, is_real),
        seed=seed,
        return_posterior=True,
        **{_SAMPLER[name]: value for name, value in parameters.items()},
    )
    noise = posterior.noise_level**-2
    return _clipped(posterior.mean, clip), {"noise": [noise], "prior": [posterior.balance * noise]}


def richardson_lucy(
    image: Array,
    psf: Array,
    num_iter: int = 50,
    clip: bool = True,
    filter_epsilon: float | None = None,
    *,
    faithful: bool = False,
) -> Array:
    """Restore an image by plain Richardson-Lucy iterations.

    See `skimage.restoration.richardson_lucy` and `deblur.nonblind.richardson_lucy`, which needs fewer iterations, and
    stops by itself.

    Parameters
    ----------
    image : numpy.ndarray
        Blurred image, of as many axes as the PSF.
    psf : numpy.ndarray
        Point-spread function, of as many axes as the image.
    num_iter : int
        Number of iterations.
    clip : bool
        Clip the result to [-1, 1].
    filter_epsilon : float, optional
        Used only with `faithful`: the method of this package does not divide by small numbers.
    faithful : bool
        Call scikit-image.

    Returns
    -------
    numpy.ndarray
        Restored image.

    Raises
    ------
    ValueError
        If a shape does not fit, or `psf` is not a valid point-spread function (negative, or sums to zero).

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.compat import skimage as restoration
    >>> flat, box = np.full((16, 16), 0.5), np.ones((5, 5)) / 25
    >>> bool(np.allclose(restoration.richardson_lucy(flat, box), 0.5))
    True
    >>> bool(np.allclose(restoration.richardson_lucy(flat, box, faithful=True), 0.5))
    False
    """
    if faithful:
        return _original("richardson_lucy")(image, psf, num_iter, clip, filter_epsilon)
    restored = nonblind.richardson_lucy(image, psf, num_iter=num_iter, noise_level=0, accelerate=False, tolerance=0)
    return _clipped(restored, clip)


def _original(name: str) -> Callable[..., Any]:
    from skimage import restoration

    return getattr(restoration, name)


def _clipped(image: Array, clip: bool) -> Array:
    return image.clip(-1, 1) if clip else image


def _psf(psf: Array, shape: tuple[int, ...], is_real: bool) -> Array:
    """Return a PSF; that of a transfer function with rounding errors below zero removed."""
    kernel = _kernel(psf, shape, is_real)
    if kernel is psf:
        return psf
    return np.where((kernel < 0) & (kernel > -1e-9 * kernel.max()), 0, kernel)


def _kernel(kernel: Array, shape: tuple[int, ...], is_real: bool) -> Array:
    """Return a kernel, or that of a transfer function, the origin at ``k // 2``."""
    if not np.iscomplexobj(kernel):
        return kernel
    expected = (*shape[:-1], shape[-1] // 2 + 1) if is_real else shape
    if kernel.shape != expected:
        raise ValueError(f"a transfer function for this image has shape {expected}, got {kernel.shape}")
    if is_real:
        return np.fft.fftshift(np.fft.irfftn(kernel, shape, axes=range(len(shape))))
    whole = np.fft.ifftn(kernel)
    if np.abs(whole.imag).max() > 1e-6 * np.abs(whole.real).max():
        raise ValueError("the transfer function is not that of a real kernel")
    return np.fft.fftshift(whole.real)
