"""Blurred pictures with a known truth: the cases of each protocol, and how each one is made."""

from __future__ import annotations

import string
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal

from . import _lai as lai
from . import _levin as levin
from . import _loaders as data


class Sample(NamedTuple):
    """A picture to restore, and the truth to compare with.

    Attributes
    ----------
    blurred : numpy.ndarray
        Shape ``(height, width)`` or ``(height, width, 3)``, float32, noisy.
    psf : numpy.ndarray
        The true PSF, two axes, float32, for a true convolution; withheld from blind methods.
    truth : numpy.ndarray
        float64, of the shape of `blurred`.
    boundary : str
        The boundary given to methods: ``"unknown"`` or ``"circular"``.
    channel_axis : int, optional
        Color axis.
    """

    blurred: np.ndarray
    psf: np.ndarray
    truth: np.ndarray
    boundary: str = "unknown"
    channel_axis: int | None = None


class Estimate(NamedTuple):
    """A restored image, and the PSF if the method estimated it.

    Attributes
    ----------
    image : numpy.ndarray
        Restored picture, of the shape of the blurred one.
    psf : numpy.ndarray, optional
        Estimated PSF, two axes; None from a method that was given it.
    confidence : float, optional
        Of the method in the PSF that it estimated, 0 to 1; None where it left the picture as it was.
    """

    image: np.ndarray
    psf: np.ndarray | None = None
    confidence: float | None = None


def simulate(
    scene: np.ndarray, psf: np.ndarray, noise: float, *, seed: str, border: str = "valid", clip: bool = False
) -> Sample:
    """Blur a scene and add white Gaussian noise.

    Parameters
    ----------
    scene : numpy.ndarray
        ``(height, width)`` or ``(height, width, 3)``, in [0, 1].
    psf : numpy.ndarray
        Two axes; scaled to sum 1 here.
    noise : float
        Standard deviation, as a fraction of the range.
    seed : str
        Seed of the noise, which is the same for every method and, up to its factor, for every `noise`.
    border : {"valid", "circular", "zero"}
        With ``"valid"`` the picture is smaller than the scene, which continues beyond it.
    clip : bool
        Whether the noisy picture is clipped to [0, 1].

    Returns
    -------
    Sample
        Its truth is the part of the scene that the picture shows.

    Raises
    ------
    ValueError
        If the PSF is larger than the scene.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.benchmark import simulate
    >>> simulate(np.ones((32, 40)), np.ones((5, 3)), 0.01, seed="flat").blurred.shape
    (28, 38)
    """
    if any(k > s for k, s in zip(psf.shape, scene.shape, strict=False)):
        raise ValueError(f"psf must not be larger than its image, {scene.shape}, got {psf.shape}")
    psf = psf / psf.sum()
    kernel = psf[..., None] if scene.ndim == 3 else psf
    truth = scene
    if border == "circular":
        blurred = _convolve_circular(scene, kernel)
    elif border == "zero":
        full = scipy.signal.fftconvolve(scene, kernel, mode="full", axes=(0, 1))
        top, left = (size // 2 for size in psf.shape)
        blurred = full[top : top + scene.shape[0], left : left + scene.shape[1]]
    else:
        blurred = scipy.signal.fftconvolve(scene, kernel, mode="valid", axes=(0, 1))
        top, left = ((size - 1) // 2 for size in psf.shape)  # the scene's pixel under the PSF's center, size // 2
        truth = scene[top : top + blurred.shape[0], left : left + blurred.shape[1]]
    white = np.random.default_rng(zlib.crc32(seed.encode())).standard_normal(blurred.shape)
    blurred = blurred + noise * white
    return Sample(
        (np.clip(blurred, 0, 1) if clip else blurred).astype(np.float32),
        psf.astype(np.float32),
        truth,
        "circular" if border == "circular" else "unknown",
        2 if scene.ndim == 3 else None,
    )


def _convolve_circular(scene: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    full = np.zeros(scene.shape[:2] + kernel.shape[2:])
    full[: kernel.shape[0], : kernel.shape[1]] = kernel
    full = np.roll(full, [-(size // 2) for size in kernel.shape[:2]], axis=(0, 1))
    spectrum = scipy.fft.rfft2(scene, axes=(0, 1)) * scipy.fft.rfft2(full, axes=(0, 1))
    return scipy.fft.irfft2(spectrum, scene.shape[:2], axes=(0, 1))


# Cases.

SCENES = [f"im{scene}" for scene in range(1, 5)]
LEVIN = [f"kernel{kernel}" for kernel in range(1, 9)]


def crossed(images: list[str], psfs: list[str]) -> list[tuple[str, str]]:
    """Return every image with every PSF, diagonally: the first round has every image once, and all PSFs in turn."""
    rounds = range(len(psfs))
    return [(image, psfs[(i + turn) % len(psfs)]) for turn in rounds for i, image in enumerate(images)]


def lai_pairs() -> list[tuple[str, str]]:
    """Return all scenes with all kernels; the first four are of four kinds, with a kernel each."""
    return crossed(lai.lai_scenes(), [f"kernel{side}" for side in lai.SIDES])


def lai_group(psf: str) -> str:
    """Return the size of a PSF of `lai_pairs`."""
    return f"{number_of(psf)} px"


def levin_pairs() -> list[tuple[str, str]]:
    return crossed(SCENES, LEVIN)


def set14_by_levin() -> list[tuple[str, str]]:
    return crossed(data.image_names("set14"), LEVIN)


def first_round() -> list[tuple[str, str]]:
    return set14_by_levin()[: len(LEVIN)]


def bars() -> list[tuple[str, str]]:
    return [("bars", "kernel")]


def cbsd68_by_kernels() -> list[tuple[str, str]]:
    kernels = [f"dpir{i}" for i in range(1, 13)] + [f"schelten{i}" for i in range(1, 6)]
    return crossed(data.image_names("cbsd68"), kernels)


def galaxies() -> list[tuple[str, str]]:
    return [(f"galaxy{i:02d}", f"psf{i:02d}") for i in range(100)]


# Samples.


def number_of(name: str) -> int:
    """Return the number at the end of a name."""
    return int(name.lstrip(string.ascii_lowercase))


def _captured(example: data.Example) -> Sample:
    return Sample(example.blurred.astype(np.float32), example.psf.astype(np.float32), example.sharp)


def observe_selfdeblur(image: str, psf: str, noise: float) -> Sample:
    return _captured(levin.levin_selfdeblur(number_of(image), number_of(psf)))


def observe_noisy_selfdeblur(image: str, psf: str, noise: float) -> Sample:
    clean = observe_selfdeblur(image, psf, 0.0)
    white = np.random.default_rng(zlib.crc32(f"{image} {psf}".encode())).standard_normal(clean.blurred.shape)
    return rounded(clean._replace(blurred=clean.blurred + noise * white))


def rounded(sample: Sample) -> Sample:
    """Clip the blurred picture and round it to 8 bits."""
    return sample._replace(blurred=(np.round(np.clip(sample.blurred, 0, 1) * 255) / 255).astype(np.float32))


def observe_lai(image: str, psf: str, noise: float) -> Sample:
    return _captured(lai.lai2016(image, number_of(psf)))._replace(channel_axis=2)


def observe_levin(image: str, psf: str, noise: float) -> Sample:
    return _captured(levin.levin_mat(number_of(image), number_of(psf)))


def _levin_psf(name: str) -> np.ndarray:
    return levin.levin_mat(1, number_of(name)).psf


def observe_sharp_levin(image: str, psf: str, noise: float) -> Sample:
    scene = levin.levin_mat(number_of(image), 5).sharp  # the only one of the eight that is registered without a shift
    return simulate(scene, _levin_psf(psf), noise, seed=f"{image} {psf}")


def observe_set14(border: str, clip: bool, image: str, psf: str, noise: float) -> Sample:
    scene = data.image("set14", image)
    return simulate(scene, _levin_psf(psf), noise, seed=f"{image} {psf}", border=border, clip=clip)


def observe_cbsd68(image: str, psf: str, noise: float) -> Sample:
    kernels = data.kernels_12() if psf.startswith("dpir") else data.schelten_kernels()
    scene = data.image("cbsd68", image, gray=False)
    return simulate(scene, kernels[number_of(psf) - 1], noise, seed=f"{image} {psf}")


def observe_bars(image: str, psf: str, noise: float) -> Sample:
    bars = data.bars3d()
    blurred, psf_of_one = bars.blurred / bars.blurred.max(), bars.psf / bars.psf.sum()
    return Sample(blurred.astype(np.float32), psf_of_one.astype(np.float32), bars.sharp / bars.sharp.max(), "circular")


def observe_galaxy(image: str, psf: str, noise: float) -> Sample:
    # The data are observations, noisy and without a truth: smoothed by one pixel, each of them serves as a scene.
    stack, psfs = data.galaxies()
    galaxy = scipy.ndimage.gaussian_filter(stack[number_of(image)], 1.0, mode="constant")
    return simulate(galaxy / galaxy.max(), psfs[number_of(psf)], noise, seed=image, border="zero")


def observe_files(
    images: dict[str, Path], psfs: dict[str, Path], border: str, in_eight_bits: bool, image: str, psf: str, noise: float
) -> Sample:
    import cv2

    from deblur.psf import load

    picture = cv2.imdecode(np.fromfile(images[image], dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ValueError(f"{images[image]} is not a picture that can be read")
    sample = simulate(picture / 255.0, load(psfs[psf]), noise, seed=f"{image} {psf}", border=border)
    return rounded(sample) if in_eight_bits else sample
