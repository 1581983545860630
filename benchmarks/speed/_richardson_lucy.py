"""Images, PSFs and iterations that the timings of Richardson-Lucy share."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
import scipy.signal
import skimage.data

from deblur import psf
from deblur.nonblind import richardson_lucy


def cases() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return images and PSFs in float32: 1024x1024 with 15x15 and 63x63, a stack of 64x256x256 with 9x15x15."""
    scene = scipy.ndimage.zoom(skimage.data.camera() / 255.0, 2.2, order=1)
    points = (np.random.default_rng(0).random((72, 280, 280)) > 0.995).astype(float)
    stack = scipy.ndimage.gaussian_filter(points, 1.0) + 0.01
    blurs = {
        "1024x1024, 15x15": (scene, psf.motion(14, angle=40, shape=(15, 15)), (1024, 1024)),
        "1024x1024, 63x63": (scene, psf.camera_shake(40, seed=3, shape=(63, 63)), (1024, 1024)),
        "64x256x256, 9x15x15": (stack, psf.gaussian((1.5, 2, 2), shape=(9, 15, 15)), (64, 256, 256)),
    }
    made = {}
    for name, (image, blur, shape) in blurs.items():
        y = np.clip(scipy.signal.fftconvolve(image, blur, mode="valid"), 1e-4, None)
        y = y[tuple(slice(n) for n in shape)]
        made[name] = (np.ascontiguousarray(y, dtype=np.float32), blur.astype(np.float32))
    return made


def ours(y: np.ndarray, blur: np.ndarray, num_iter: int, **options: object) -> np.ndarray:
    """Run exactly `num_iter` iterations."""
    return richardson_lucy(y, blur, num_iter=num_iter, noise_level=0, tolerance=0, **options)


def iterations_to(objective: float, y: np.ndarray, blur: np.ndarray) -> int:
    """Count accelerated iterations until the divergence is as low as `objective`."""
    count = 0

    def reached(iteration: int, estimate: np.ndarray, value: float) -> bool:
        nonlocal count
        count = iteration
        return value <= objective

    richardson_lucy(y, blur, num_iter=200, noise_level=0, tolerance=0, callback=reached)
    return count


def objective_after(num_iter: int, y: np.ndarray, blur: np.ndarray) -> float:
    """Return the divergence of the plain iteration after `num_iter` steps."""
    values: list[float] = []
    ours(y, blur, num_iter + 1, accelerate=False, callback=lambda i, x, f: values.append(f))
    return values[-1]
