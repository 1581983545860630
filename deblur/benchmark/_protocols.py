"""Protocols: the data and the scoring of each benchmark, including all cropping, clipping and rounding.

A protocol is an object, not a class to derive from; its behavior is in the functions that it refers to. A change to the
measurement raises its version. To add one: its functions in ``_samples.py``, its row in `PROTOCOLS`, and its scores in
``expected.toml``; help and tests derive from the row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np

from deblur._core.errors import suggestion

from . import _metrics as metrics
from . import _samples as samples
from ._samples import Sample
from ._shift import best_shift, finely_shifted, shifted


class Estimate(NamedTuple):
    """A restored image, and the PSF if the method estimated it.

    Attributes
    ----------
    image : numpy.ndarray
        Restored picture, of the shape of the blurred one.
    psf : numpy.ndarray, optional
        Estimated PSF, two axes; None from a method that was given it.
    """

    image: np.ndarray
    psf: np.ndarray | None = None


@dataclass(frozen=True)
class Protocol:
    """One benchmark.

    Attributes
    ----------
    name : str
        Name on the command line.
    version : int
        Scores are comparable within one version.
    summary : str
        The data and the scoring, in one sentence.
    pairs : callable
        Returns the ``(image, psf)`` names of the cases. A limit takes the first ones, so they are the most diverse.
    observe : callable
        Maps ``(image, psf, noise)`` to a `Sample`, deterministically.
    compared : callable
        Maps ``(image, sample)`` to the two arrays that PSNR and SSIM compare, the estimate and the truth. All clipping,
        rounding, cropping and alignment happens here.
    extra : callable
        Maps ``(estimate, truth, restored, sample)``, the first two from `compared`, to further scores by name.
    noises : tuple of float
        Default noise levels, as fractions of the range; empty for captured pictures, to which no noise is added.
    blind : bool
        Whether the PSF is withheld.
    caveat : str
        A limitation that readers of the figures must know, in one sentence.
    source : tuple of (str, str)
        Names and hashes of the user's files that the pictures depend on.
    title : str
        The data in a few words, for lists such as the command's help.
    """

    name: str
    version: int
    summary: str
    pairs: Callable[[], list[tuple[str, str]]] = field(repr=False)
    observe: Callable[[str, str, float], Sample] = field(repr=False)
    compared: Callable[[np.ndarray, Sample], tuple[np.ndarray, np.ndarray]] = field(repr=False)
    extra: Callable[[np.ndarray, np.ndarray, Estimate, Sample], dict[str, float]] | None = field(
        default=None, repr=False
    )
    noises: tuple[float, ...] = ()
    blind: bool = False
    caveat: str = ""
    source: tuple[tuple[str, str], ...] = ()
    title: str = ""

    def score(self, restored: Estimate, sample: Sample) -> dict[str, float]:
        """Return ``psnr``, ``ssim`` and the protocol's further scores, by name.

        Parameters
        ----------
        restored : Estimate
            The method's result for `sample`.
        sample : Sample
            The method's input, and the truth.

        Raises
        ------
        ValueError
            If the restored image differs in shape from the blurred one, or has values that are NaN or infinite.
        """
        if restored.image.shape != sample.blurred.shape:
            raise ValueError(f"a method must keep the shape {sample.blurred.shape}, got {restored.image.shape}")
        if not np.isfinite(restored.image).all():
            raise ValueError("the restored image has values that are NaN or infinite")
        estimate, truth = self.compared(restored.image, sample)
        scores = {
            "psnr": metrics.psnr(estimate, truth),
            "ssim": metrics.ssim(estimate, truth, channel_axis=sample.channel_axis),
        }
        return scores | (self.extra(estimate, truth, restored, sample) if self.extra else {})


def protocol(name: str) -> Protocol:
    """Look up a protocol by its name.

    Parameters
    ----------
    name : str
        Name on the command line; `PROTOCOLS` lists them all.

    Returns
    -------
    Protocol
        The protocol of that name.

    Raises
    ------
    ValueError
        If there is no such protocol; the message suggests the nearest name.

    Examples
    --------
    >>> from deblur.benchmark import protocol
    >>> protocol("levin-nonblind").version
    1
    >>> protocol("set14")
    Traceback (most recent call last):
    ...
    ValueError: protocol must be a known name, got 'set14'; did you mean 'set14-levin'?
    """
    names = [each.name for each in PROTOCOLS]
    if name not in names:
        raise ValueError(f"protocol must be a known name, got {name!r}; {suggestion(name, names)}")
    return PROTOCOLS[names.index(name)]


# Scores.


def clipped(image: np.ndarray, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Clip the estimate to [0, 1]; compare the whole image domain."""
    return np.clip(image, 0, 1).astype(np.float64), sample.truth


def _eight_bits(image: np.ndarray, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    return metrics.eight_bits(image), sample.truth


def _aligned_in_eight_bits(image: np.ndarray, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Follow SelfDeblur's script: round to 8 bits, crop 15 pixels at each side, shift to the best fit."""
    estimate = metrics.eight_bits(image)
    return shifted(estimate, best_shift(estimate, sample.truth)), sample.truth[15:-15, 15:-15]


def _matched_in_intensity(image: np.ndarray, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    design = np.stack([image.ravel(), np.ones(image.size)], axis=1).astype(np.float64)
    (gain, offset), *_ = np.linalg.lstsq(design, sample.truth.ravel(), rcond=None)
    return gain * image.astype(np.float64) + offset, sample.truth


def _unchanged(image: np.ndarray, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    return image.astype(np.float64), sample.truth


def _against_known_psf(estimate: np.ndarray, truth: np.ndarray, restored: Estimate, sample: Sample) -> dict[str, float]:
    """Compare with the final step of `sparse_edges` with the true PSF, aligned without smoothing."""
    known = _with_true_psf(sample)
    references = [_aligned_in_eight_bits(image, sample)[0] for image in known]
    reference = min(references, key=lambda each: float(np.sum((each - truth) ** 2)))
    fourier = metrics.psnr(_finely_aligned(restored.image, sample), truth)
    scores = {
        "psnr_fourier": fourier,
        "fourier_gap": max(metrics.psnr(_finely_aligned(image, sample), truth) for image in known) - fourier,
        "error_ratio": metrics.error_ratio(estimate, reference, truth),
        "spectral_error_ratio": metrics.spectral_error_ratio(estimate, reference, truth),
    }
    if restored.psf is not None:
        scores["psf_similarity"] = metrics.psf_similarity(restored.psf, sample.psf)
    return scores


def _with_true_psf(sample: Sample) -> list[np.ndarray]:
    import torch

    from deblur.blind._final_step import restored_with
    from deblur.blind._settings import Settings
    from deblur.nonblind import estimate_noise

    settings = Settings.for_noise(estimate_noise(sample.blurred))
    images = restored_with(torch.from_numpy(sample.blurred), torch.from_numpy(sample.psf), settings)
    return [image.numpy() for image in images]


def _finely_aligned(image: np.ndarray, sample: Sample) -> np.ndarray:
    return finely_shifted(metrics.eight_bits(image), sample.truth)


def _relative_error(estimate: np.ndarray, truth: np.ndarray, restored: Estimate, sample: Sample) -> dict[str, float]:
    return {"relative_error": metrics.relative_error(estimate, truth)}


def _ellipticity_error(estimate: np.ndarray, truth: np.ndarray, restored: Estimate, sample: Sample) -> dict[str, float]:
    error = np.linalg.norm(metrics.ellipticity(estimate) - metrics.ellipticity(truth))
    return {"ellipticity_error": float(error)}


PROTOCOLS = (
    Protocol(
        name="levin-blind",
        version=3,
        title="the 32 Levin images, PSF withheld",
        summary="The 32 Levin images, PSF unknown: 8 bits, cropped by 15 pixels, shifted by up to 10 at 0.25 to the "
        "best fit with SelfDeblur's truth; error ratio and gap against sparse_edges with the true PSF.",
        pairs=samples.levin_pairs,
        observe=samples.observe_selfdeblur,
        compared=_aligned_in_eight_bits,
        extra=_against_known_psf,
        blind=True,
        caveat="An error ratio compares with published ones only where the same final step made the reference.",
    ),
    Protocol(
        name="levin-blind-noisy",
        version=2,
        title="the same with noise",
        summary="As levin-blind, with noise added, clipped and rounded to 8 bits.",
        pairs=samples.levin_pairs,
        observe=samples.observe_noisy_selfdeblur,
        compared=_aligned_in_eight_bits,
        extra=_against_known_psf,
        noises=(0.01, 0.02),
        blind=True,
    ),
    Protocol(
        name="shakes-blind",
        version=2,
        title="37 pictures blurred by PSFs of 13 to 75 pixels, withheld",
        summary="37 parts of CBSD68 and Set14, 400 pixels, in gray, blurred by PSFs of 13 to 75 pixels (camera shakes, "
        "DPIR's, Schelten's), valid border, 8 bits; scored as levin-blind.",
        pairs=samples.shakes,
        observe=samples.observe_shake,
        compared=_aligned_in_eight_bits,
        extra=_against_known_psf,
        noises=(0.005,),
        blind=True,
    ),
    Protocol(
        name="levin-nonblind",
        version=1,
        title="the 32 Levin images, PSF known",
        summary="The 32 Levin originals, PSF known (f of the file, rotated): 8 bits, cropped by 15 pixels, shifted by "
        "up to 10 at 0.25 to the best fit with x of the same file.",
        pairs=samples.levin_pairs,
        observe=samples.observe_levin,
        compared=_aligned_in_eight_bits,
        caveat="The bilinear shift smooths: it rewards estimates that are too sharp.",
    ),
    Protocol(
        name="levin-synthetic",
        version=1,
        title="the 4 sharp Levin scenes x 8 PSFs, blurred here",
        summary="The 4 sharp Levin scenes x 8 PSFs, blurred here, valid border, noise not clipped; the"
        " estimate is, and scored on the whole image.",
        pairs=samples.levin_pairs,
        observe=samples.observe_sharp_levin,
        compared=clipped,
        noises=(0.01, 0.03, 0.05),
    ),
    Protocol(
        name="set14-levin",
        version=1,
        title="Set14 in gray x the 8 Levin PSFs",
        summary="Set14 in gray x the 8 Levin PSFs, valid border, noise not clipped; the estimate is, and"
        " scored on the whole observed frame.",
        pairs=samples.set14_by_levin,
        observe=partial(samples.observe_set14, "valid", False),
        compared=clipped,
        noises=(0.01, 0.03, 0.05, 0.1),
    ),
    Protocol(
        name="circular8",
        version=1,
        title="8 of Set14, circular: flatters methods that assume it",
        summary="The first 8 of Set14, each with its own Levin PSF, circular, noisy picture clipped; 8-bit PSNR on the "
        "full frame, as in DeepPriorUDN_ADM's demo.",
        pairs=samples.first_round,
        observe=partial(samples.observe_set14, "circular", True),
        compared=_eight_bits,
        noises=(0.01, 0.03, 0.05, 0.1),
        caveat="An inverse crime: the same circular model simulates and inverts. No photograph is circular.",
    ),
    Protocol(
        name="cbsd68",
        version=1,
        title="68 color images x 17 PSFs",
        summary="68 color images x 17 PSFs (DPIR's and Schelten's), valid border, noise not clipped; the"
        " estimate is, and scored on the observed frame, mean over channels.",
        pairs=samples.cbsd68_by_kernels,
        observe=samples.observe_cbsd68,
        compared=clipped,
        noises=(0.01, 0.03, 0.05),
    ),
    Protocol(
        name="bars3d",
        version=1,
        title="a 3-D volume",
        summary="flowdec's bars, 3-D: scored after the best affine match of intensities.",
        pairs=samples.bars,
        observe=samples.observe_bars,
        compared=_matched_in_intensity,
        extra=_relative_error,
        caveat="One volume: no interval. Its beads have no truth and are not scored.",
    ),
    Protocol(
        name="galaxies",
        version=1,
        title="100 small galaxies, a PSF each",
        summary="100 small galaxies, each with its own PSF, zero border: PSNR of a peak of 1, error of ellipticity.",
        pairs=samples.galaxies,
        observe=samples.observe_galaxy,
        compared=_unchanged,
        extra=_ellipticity_error,
        noises=(0.01, 0.03),
        caveat="The scenes are observed galaxies smoothed by a pixel: the clean ones are not published.",
    ),
)
