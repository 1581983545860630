"""Blind Richardson-Lucy deconvolution: alternating multiplicative updates of scene and point-spread function."""

from __future__ import annotations

import math
import time
from typing import Any

import torch

from deblur._core.arrays import Array, ArrayT, as_float_tensor
from deblur._core.own_state import own_state
from deblur._core.progress import Callback, Progress, per_iteration
from deblur._core.weights import weighted
from deblur._result import Restoration
from deblur.nonblind import estimate_noise
from deblur.operators import Convolution, Crop, multiplicative_step
from deblur.psf import validate
from deblur.solvers.padding import padded_grid

from ._final_step import SHARPENING

# By hand; tests/blind/test_richardson_lucy.py measures what is recovered with them.
_SCENE_STEPS, _KERNEL_STEPS = 10, 2  # per iteration; with fewer for the scene it does not become sparse
_WIDTH = 0.3  # of the PSF's shape: standard deviation of the initial Gaussian
_MARGIN = 1e-3  # of the greatest sensitivity
_TINY = 1e-12


@own_state()
@torch.no_grad()
def richardson_lucy(
    image: ArrayT,
    psf_shape: int | tuple[int, ...],
    *,
    start: Array | None = None,
    weights: Array | None = None,
    num_iter: int = 20,
    symmetric: bool = False,
    background: float = 0.0,
    tolerance: float = 1e-3,
    callback: Callback | None = None,
    progress: Progress | None = None,
) -> Restoration:
    r"""Restore an image and its point-spread function by alternating Richardson-Lucy iterations.

    With :math:`v = k * x + b` and :math:`r = y / v`, the two adjoints of the one convolution give

    .. math::

        x \leftarrow x \, \frac{k^T r}{k^T 1}, \qquad k \leftarrow k \, \frac{x^T r}{x^T 1}

    (Fish et al., JOSA A 12, 1995), and neither step ever increases the Kullback-Leibler divergence of y from v. An
    iteration is ten steps of the scene and two of the PSF: from a PSF that is too broad, the scene becomes sparse
    first, and then the PSF as narrow as it has to be. Zeros of the PSF stay zero, so its shape constrains its support,
    as `start` does. Meant for points and lines on a dark background, as in astronomy and microscopy; for photographs
    see `sparse_edges`.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred image of 1 to 3 axes, all of them spatial; integers are scaled to [0, 1]. Negative values count as zero.
        The scene is taken to continue beyond the image.
    psf_shape : int or tuple of int
        Size of the PSF, one for all axes or one per axis.
    start : numpy.ndarray or torch.Tensor, optional
        Initial PSF, of this shape; a broad Gaussian if None. Its zeros stay zero.
    weights : numpy.ndarray or torch.Tensor, optional
        Weight of each sample, at least 0, broadcastable to `image`: 0 for defective samples, whose values are ignored.
    num_iter : int
        Largest number of iterations.
    symmetric : bool
        Whether the PSF is the same when reflected about its center, as a lens's often is.
    background : float
        Known constant b added to the blurred scene, at least 0.
    tolerance : float
        Stop when an iteration lowers the divergence by less than this fraction of it.
    callback : callable, optional
        ``callback(iteration, estimate, objective)``, where the objective is the divergence before the iteration;
        returning True stops.
    progress : callable, optional
        ``progress(fraction, stage)``, called with the completed fraction, 0 to 1, and what is being done.

    Returns
    -------
    Restoration
        Its confidence is the part of the initial divergence that is explained.

    Raises
    ------
    TypeError, ValueError
        If the image is not a real array of 1 to 3 axes, is not finite or has nothing above the background, or an option
        does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> from deblur.blind import richardson_lucy
    >>> from deblur.operators import Convolution
    >>> x = np.zeros((40, 40)); x[12, 12] = x[25, 30] = x[30, 9] = 1
    >>> blur = psf.motion(7, angle=40)
    >>> result = richardson_lucy(Convolution(blur, x.shape, "zero")(x), blur.shape)
    >>> bool(np.corrcoef(result.psf.ravel(), blur.ravel())[0, 1] > 0.95)
    True
    """
    began = time.perf_counter()
    y, to_input_kind = as_float_tensor(image, "image")
    y, w = weighted(y, weights, None)
    w = (w > 0).to(y).expand(y.shape)
    if not 1 <= y.ndim <= 3:
        raise ValueError(f"image must have 1 to 3 axes, got shape {tuple(y.shape)}")
    if num_iter < 1:
        raise ValueError(f"num_iter must be at least 1, got {num_iter}")
    for name, value in (("background", background), ("tolerance", tolerance)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} must be finite and not negative, got {value}")
    k = _start(start, _shape(psf_shape, tuple(y.shape)), y)
    y = y.clamp_min(0)
    mean = float((y - background).clamp_min(0).sum() / w.sum())
    if not mean > 0:
        raise ValueError(f"image has nothing above the background, {background:g}")
    model = _Model(y, tuple(k.shape), background, w)
    x = torch.full(model.grid, mean, dtype=y.dtype, device=y.device)
    first = previous = math.inf
    report = per_iteration(progress, num_iter, SHARPENING)
    for iteration in range(num_iter):
        x, divergence = model.step_scene(x, k)
        for _ in range(_SCENE_STEPS - 1):
            x, _ = model.step_scene(x, k)
        first = min(first, divergence) if math.isinf(first) else first
        stop = callback is not None and callback(iteration, to_input_kind(model.shown(x)), divergence)
        report(iteration)
        if stop or previous - divergence <= tolerance * divergence:
            break
        previous = divergence
        for _ in range(_KERNEL_STEPS):
            k = model.step_kernel(x, k, symmetric)
        x, k = x * k.sum(), k / k.sum()
    x, k = _recentered(x, k)
    if progress is not None:
        progress(1.0, SHARPENING)
    return Restoration(
        to_input_kind(model.shown(x)),
        to_input_kind(k),
        estimate_noise(y, weights=w),
        "blind-richardson-lucy",
        time.perf_counter() - began,
        float(min(max(1 - divergence / first, 0.0), 1.0)) if first > 0 else 0.0,
        details={"num_iter": iteration + 1},
    )


class _Model:
    """The blurred image, and the multiplicative steps of scene and kernel."""

    def __init__(
        self, y: torch.Tensor, kernel_shape: tuple[int, ...], background: float, weights: torch.Tensor
    ) -> None:
        self._y, self._background, self._weights = y, background, weights
        self._smallest = torch.finfo(y.dtype).eps * float(y.amax())  # below: rounding error
        self.grid = padded_grid(y.shape, kernel_shape)
        self._crop = Crop(self.grid, tuple(y.shape), start=0)
        self._coverage = self._crop.T(weights)

    def shown(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scene in the image domain."""
        return self._crop(x).clone()

    def step_scene(self, x: torch.Tensor, k: torch.Tensor) -> tuple[torch.Tensor, float]:
        """Return the next scene, and the divergence of the last."""
        A = Convolution(k, self.grid, "circular")
        ratio, divergence = self._compare(A(x))
        sensitivity = A.T(self._coverage)
        return multiplicative_step(x, A.T(ratio), sensitivity, margin=_MARGIN * float(sensitivity.max())), divergence

    def step_kernel(self, x: torch.Tensor, k: torch.Tensor, symmetric: bool) -> torch.Tensor:
        """Return the next kernel."""
        A = Convolution(k, self.grid, "circular").kernel_operator(x)
        ratio, _ = self._compare(A(k))
        numerator, sensitivity = A.T(ratio), A.T(self._coverage)
        if symmetric:
            numerator, sensitivity = (each + each.flip(tuple(range(k.ndim))) for each in (numerator, sensitivity))
        return multiplicative_step(k, numerator, sensitivity, margin=_MARGIN * float(sensitivity.max()))

    def _compare(self, blurred: torch.Tensor) -> tuple[torch.Tensor, float]:
        """Return the ratio for the adjoints, 0 in the padding, and the divergence."""
        y = self._y
        v = (self._crop(blurred) + self._background).clamp_min_(self._smallest)
        ratio = y / v
        divergence = float(((y * ratio.clamp_min(_TINY).log() - y + v) * self._weights).sum())
        return self._crop.T(ratio), divergence


def _shape(psf_shape: int | tuple[int, ...], frame: tuple[int, ...]) -> tuple[int, ...]:
    shape = (psf_shape,) * len(frame) if isinstance(psf_shape, int) else tuple(psf_shape)
    if len(shape) != len(frame) or any(not 1 <= k <= size for k, size in zip(shape, frame, strict=True)):
        raise ValueError(f"psf_shape must be 1 to the size of the image along each axis of {frame}, got {psf_shape}")
    return shape


def _start(start: Any, shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor:
    if start is not None:
        validate(start, name="start")
        k = as_float_tensor(start, "start")[0].to(like).clamp_min(0)
        if tuple(k.shape) != shape:
            raise ValueError(f"start must have the shape of the psf, {shape}, got {tuple(k.shape)}")
        return k / k.sum()
    k = like.new_ones(())
    for size in shape:
        place = torch.arange(size, dtype=like.dtype, device=like.device) - (size - 1) / 2
        k = k[..., None] * torch.exp(-place.square() / (2 * (_WIDTH * size) ** 2))
    return k / k.sum()


def _recentered(x: torch.Tensor, k: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Move the kernel's centroid to its center by whole pixels, without losing weight, and the scene against it."""
    for axis, size in enumerate(k.shape):
        weight = k.movedim(axis, 0).reshape(size, -1).sum(1)
        wanted = size // 2 - round(float((weight * torch.arange(size).to(weight)).sum()))
        occupied = torch.nonzero(weight > _TINY).flatten()
        move = max(-int(occupied[0]), min(size - 1 - int(occupied[-1]), wanted))
        x, k = x.roll(-move, axis), k.roll(move, axis)
    return x, k
