"""Comparisons of a restored image with the truth: clipping, rounding, cropping and alignment, and further scores."""

from __future__ import annotations

import numpy as np

from . import _metrics as metrics
from ._samples import Estimate, Sample
from ._shift import best_shift, finely_shifted, shifted

_CROP, _REACH = 15, 10  # pixels, of the blind protocols for photographs
_RIM = 30  # pixels, of the scorer of VEM-Net
_LUMINANCE = np.array([65.481, 128.553, 24.966]) / 255  # of RGB in [0, 1], from 16 to 235 of 255: BT.601
_BLACK = 16 / 255


def clipped(image: np.ndarray, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Clip the estimate to [0, 1]; compare the whole image domain."""
    return np.clip(image, 0, 1).astype(np.float64), sample.truth


def in_eight_bits(image: np.ndarray, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    return metrics.eight_bits(image), sample.truth


def inner_in_eight_bits(image: np.ndarray, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Follow VEM-Net's script: cut 30 pixels on each side, round to 8 bits."""
    inside = np.s_[_RIM:-_RIM, _RIM:-_RIM]
    return metrics.eight_bits(image[inside]), sample.truth[inside]


def aligned_in_eight_bits(image: np.ndarray, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Follow SelfDeblur's script: round to 8 bits, crop 15 pixels at each side, shift to the best fit."""
    estimate = metrics.eight_bits(image)
    return shifted(estimate, best_shift(estimate, sample.truth)), sample.truth[_CROP:-_CROP, _CROP:-_CROP]


def matched_in_intensity(image: np.ndarray, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    design = np.stack([image.ravel(), np.ones(image.size)], axis=1).astype(np.float64)
    (gain, offset), *_ = np.linalg.lstsq(design, sample.truth.ravel(), rcond=None)
    return gain * image.astype(np.float64) + offset, sample.truth


def unchanged(image: np.ndarray, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    return image.astype(np.float64), sample.truth


def aligned_luminance(image: np.ndarray, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Compare the luminance of a color image of 8 bits, at the best whole shift of up to 10 pixels.

    Of the truth 25 pixels are cropped on each side, so that all shifts are compared on the same pixels of it, and that
    none uses the outer 15 of the restored image.
    """
    margin = _CROP + _REACH
    estimate, truth = (_BLACK + each @ _LUMINANCE for each in (metrics.eight_bits(image), sample.truth))
    shift = best_shift(estimate, truth, margin=margin, reach=_REACH, steps=1)
    return shifted(estimate, shift, margin=margin), truth[margin:-margin, margin:-margin]


def against_known_psf(estimate: np.ndarray, truth: np.ndarray, restored: Estimate, sample: Sample) -> dict[str, float]:
    """Compare with the final step of `sparse_edges` with the true PSF, aligned without smoothing."""
    known = with_true_psf(sample)
    reference = _best([aligned_in_eight_bits(image, sample)[0] for image in known], truth)
    fourier = metrics.psnr(_finely_aligned(restored.image, sample), truth)
    return {
        "psnr_fourier": fourier,
        "fourier_gap": max(metrics.psnr(_finely_aligned(image, sample), truth) for image in known) - fourier,
        "error_ratio": metrics.error_ratio(estimate, reference, truth),
        "spectral_error_ratio": metrics.spectral_error_ratio(estimate, reference, truth),
    } | _psf_scores(restored, sample)


def against_input_and_known_psf(
    estimate: np.ndarray, truth: np.ndarray, restored: Estimate, sample: Sample
) -> dict[str, float]:
    """Compare with the blurred image, and with the final step of `sparse_edges` with the true PSF."""
    reference = _best([aligned_luminance(image, sample)[0] for image in with_true_psf(sample)], truth)
    blurred = aligned_luminance(sample.blurred, sample)[0]
    return {
        "gain": metrics.psnr(estimate, truth) - metrics.psnr(blurred, truth),
        "psnr_known": metrics.psnr(reference, truth),
        "error_ratio": metrics.error_ratio(estimate, reference, truth),
    } | _psf_scores(restored, sample)


def with_true_psf(sample: Sample) -> list[np.ndarray]:
    """Restore by the final step of `sparse_edges` with the true PSF: softened, like its results, and not."""
    import torch

    from deblur.blind._final_step import by_network, softened
    from deblur.blind._picture import Picture
    from deblur.blind._settings import Settings

    picture = Picture(torch.from_numpy(sample.blurred), sample.channel_axis, None, method="known PSF")
    settings = Settings.for_noise(picture.noise_level)
    with torch.inference_mode():
        sharp = by_network(picture.y, torch.from_numpy(sample.psf), settings.assumed_noise)
        soft = softened(sharp, settings.softening)
    return [picture.restored(x, torch.from_numpy(sample.psf), 1.0, "").image.numpy() for x in (soft, sharp)]


def _best(images: list[np.ndarray], truth: np.ndarray) -> np.ndarray:
    return min(images, key=lambda each: float(np.sum((each - truth) ** 2)))


def _psf_scores(restored: Estimate, sample: Sample) -> dict[str, float]:
    if restored.psf is None:
        return {}
    confidence = {} if restored.confidence is None else {"confidence": restored.confidence}
    return {"psf_similarity": metrics.psf_similarity(restored.psf, sample.psf)} | confidence


def _finely_aligned(image: np.ndarray, sample: Sample) -> np.ndarray:
    return finely_shifted(metrics.eight_bits(image), sample.truth)


def relative_error(estimate: np.ndarray, truth: np.ndarray, restored: Estimate, sample: Sample) -> dict[str, float]:
    return {"relative_error": metrics.relative_error(estimate, truth)}


def ellipticity_error(estimate: np.ndarray, truth: np.ndarray, restored: Estimate, sample: Sample) -> dict[str, float]:
    error = np.linalg.norm(metrics.ellipticity(estimate) - metrics.ellipticity(truth))
    return {"ellipticity_error": float(error)}
