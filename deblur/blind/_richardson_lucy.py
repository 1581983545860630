"""Blind Richardson-Lucy deconvolution: the multiplicative update of both factors of a convolution, in turns."""

from __future__ import annotations

import math
import time
from typing import Any

import torch

from deblur._core.arrays import as_float_tensor, check_finite
from deblur._core.progress import Callback
from deblur.nonblind import estimate_noise
from deblur.operators import Convolution, Crop, multiplicative_step
from deblur.psf import validate
from deblur.solvers.padding import padded_grid

from ._result import BlindResult

_SCENE_STEPS, _KERNEL_STEPS = 10, 2  # an iteration; the scene leads, or it never becomes sparse
_WIDTH = 0.3  # of the shape: standard deviation of the Gaussian that a PSF starts from
_MARGIN = 1e-3  # of the greatest sensitivity
_TINY = 1e-12


@torch.no_grad()
def richardson_lucy(
    image: Any,
    psf_shape: int | tuple[int, ...],
    *,
    start: Any = None,
    num_iter: int = 20,
    symmetric: bool = False,
    background: float = 0.0,
    tolerance: float = 1e-3,
    callback: Callback | None = None,
) -> BlindResult:
    r"""Restore an image and its point-spread function by Richardson-Lucy iterations on both, in turns.

    With :math:`v = k * x + b` and :math:`r = y / v`, the two adjoints of the one convolution give

    .. math::

        x \leftarrow x \, \frac{k^T r}{k^T 1}, \qquad k \leftarrow k \, \frac{x^T r}{x^T 1}

    (Fish et al., JOSA A 12, 1995), and neither step ever increases the Kullback-Leibler divergence of y from v. An
    iteration is ten steps of the scene and two of the PSF: from a PSF that is too broad, the scene becomes sparse
    first, and the PSF then as narrow as it has to be. What a PSF is 0 at stays 0, so the shape is the constraint on its
    support, and `start` another one. Meant for scenes of points and lines on a dark ground, as in astronomy and
    microscopy; for photographs see `fast`.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred image of 1 to 3 axes, all of them spatial; integers are scaled to [0, 1]. Negative values count as zero.
        The scene goes on past the frame.
    psf_shape : int or tuple of int
        Size of the PSF, one for every axis or one each.
    start : numpy.ndarray or torch.Tensor, optional
        Where the PSF starts, of this shape; a broad Gaussian if None. What is 0 in it stays 0.
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

    Returns
    -------
    BlindResult
        The confidence is the part of the divergence from the first guess that is explained.

    Raises
    ------
    TypeError, ValueError
        If the image is no real array of 1 to 3 axes, is not finite or has nothing above the background, or an option
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
    y, give_back = as_float_tensor(image, "image")
    check_finite(y, "image")
    if not 1 <= y.ndim <= 3:
        raise ValueError(f"image must have 1 to 3 axes, got shape {tuple(y.shape)}")
    if num_iter < 1:
        raise ValueError(f"num_iter must be at least 1, got {num_iter}")
    for name, value in (("background", background), ("tolerance", tolerance)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} must be finite and not negative, got {value}")
    k = _start(start, _shape(psf_shape, tuple(y.shape)), y)
    y = y.clamp_min(0)
    light = float((y - background).clamp_min(0).mean())
    if not light > 0:
        raise ValueError(f"image has nothing above the background, {background:g}")
    model = _Model(y, tuple(k.shape), background)
    x = torch.full(model.grid, light, dtype=y.dtype, device=y.device)
    first = previous = math.inf
    for iteration in range(num_iter):
        x, divergence = model.step_scene(x, k)
        for _ in range(_SCENE_STEPS - 1):
            x, _ = model.step_scene(x, k)
        first = min(first, divergence) if math.isinf(first) else first
        stop = callback is not None and callback(iteration, give_back(model.shown(x)), divergence)
        if stop or previous - divergence <= tolerance * divergence:
            break
        previous = divergence
        for _ in range(_KERNEL_STEPS):
            k = model.step_kernel(x, k, symmetric)
        x, k = x * k.sum(), k / k.sum()
    x, k = _recentered(x, k)
    return BlindResult(
        give_back(model.shown(x)),
        give_back(k),
        estimate_noise(y),
        float(min(max(1 - divergence / first, 0.0), 1.0)) if first > 0 else 0.0,
        "",
        time.perf_counter() - began,
    )


class _Model:
    """The picture, and the two multiplicative steps that bring the blurred scene nearer to it."""

    def __init__(self, y: torch.Tensor, taps: tuple[int, ...], background: float) -> None:
        self._y, self._background = y, background
        self._smallest = torch.finfo(y.dtype).eps * float(y.amax())  # below: rounding error
        self.grid = padded_grid(y.shape, taps)
        self._crop = Crop(self.grid, tuple(y.shape), start=0)
        self._seen = self._crop.T(torch.ones_like(y))

    def shown(self, x: torch.Tensor) -> torch.Tensor:
        """Return the part of the scene in the frame."""
        return self._crop(x).clone()

    def step_scene(self, x: torch.Tensor, k: torch.Tensor) -> tuple[torch.Tensor, float]:
        """Return the next scene, and the divergence of the last."""
        A = Convolution(k, self.grid, "circular")
        ratio, divergence = self._compare(A(x))
        sensitivity = A.T(self._seen)
        return multiplicative_step(x, A.T(ratio), sensitivity, margin=_MARGIN * float(sensitivity.max())), divergence

    def step_kernel(self, x: torch.Tensor, k: torch.Tensor, symmetric: bool) -> torch.Tensor:
        """Return the next kernel."""
        A = Convolution(k, self.grid, "circular").kernel_operator(x)
        ratio, _ = self._compare(A(k))
        numerator, sensitivity = A.T(ratio), A.T(self._seen)
        if symmetric:
            numerator, sensitivity = (each + each.flip(tuple(range(k.ndim))) for each in (numerator, sensitivity))
        return multiplicative_step(k, numerator, sensitivity, margin=_MARGIN * float(sensitivity.max()))

    def _compare(self, blurred: torch.Tensor) -> tuple[torch.Tensor, float]:
        """Return the ratio that the adjoints take, 0 where nothing is seen, and the divergence."""
        y = self._y
        v = (self._crop(blurred) + self._background).clamp_min_(self._smallest)
        ratio = y / v
        divergence = float((y * ratio.clamp_min(_TINY).log() - y + v).sum())
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
    """Move the light of the kernel to its center by whole pixels, as far as none is lost, and the scene against it."""
    for axis, size in enumerate(k.shape):
        light = k.movedim(axis, 0).reshape(size, -1).sum(1)
        wanted = size // 2 - round(float((light * torch.arange(size).to(light)).sum()))
        lit = torch.nonzero(light > _TINY).flatten()
        move = max(-int(lit[0]), min(size - 1 - int(lit[-1]), wanted))
        x, k = x.roll(-move, axis), k.roll(move, axis)
    return x, k
