"""Protocols: the data and the scoring of each benchmark, including all cropping, clipping and rounding.

A protocol is an object, not a class to derive from; its behavior is in the functions that it refers to. A change to the
measurement raises its version. To add one: its functions in ``_samples.py``, its row in `PROTOCOLS`, and its scores in
``expected.toml``; help and tests derive from the row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from deblur._core.errors import suggestion

from . import _comparisons as comparisons
from . import _metrics as metrics
from . import _samples as samples
from . import _shakes as shakes
from ._samples import Estimate, Sample


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
    group : callable, optional
        Maps the name of a PSF to the row of the report that it is summed up in, such as ``"31 px"``.
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
    group: Callable[[str], str] | None = field(default=None, repr=False)

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
        channels = sample.channel_axis if estimate.ndim == restored.image.ndim else None  # compared in luminance
        scores = {
            "psnr": metrics.psnr(estimate, truth),
            "ssim": metrics.ssim(estimate, truth, channel_axis=channels),
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


PROTOCOLS = (
    Protocol(
        name="levin-blind",
        version=3,
        title="the 32 Levin images, PSF withheld",
        summary="The 32 Levin images, PSF unknown: 8 bits, cropped by 15 pixels, shifted by up to 10 at 0.25 to the "
        "best fit with SelfDeblur's truth; error ratio and gap against sparse_edges with the true PSF.",
        pairs=samples.levin_pairs,
        observe=samples.observe_selfdeblur,
        compared=comparisons.aligned_in_eight_bits,
        extra=comparisons.against_known_psf,
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
        compared=comparisons.aligned_in_eight_bits,
        extra=comparisons.against_known_psf,
        noises=(0.01, 0.02),
        blind=True,
    ),
    Protocol(
        name="shakes-blind",
        version=2,
        title="37 pictures, PSFs of 13 to 75 pixels, withheld",
        summary="37 parts of CBSD68 and Set14, 400 pixels, in gray, blurred by PSFs of 13 to 75 pixels (camera shakes, "
        "DPIR's, Schelten's), valid border, 8 bits; scored as levin-blind.",
        pairs=shakes.shakes,
        observe=shakes.observe_shake,
        compared=comparisons.aligned_in_eight_bits,
        extra=comparisons.against_known_psf,
        noises=(0.005,),
        blind=True,
        group=shakes.size_group,
    ),
    Protocol(
        name="shakes-large-blind",
        version=1,
        title="24 large pictures, PSFs of 29 to 75 pixels, withheld",
        summary="24 mosaics of BSDS500's test images, 700 x 1000 pixels, in gray, blurred by camera shakes of 29 to 75 "
        "pixels with traces 2 pixels thick, valid border, 8 bits; scored as levin-blind.",
        pairs=shakes.large_shakes,
        observe=shakes.observe_large_shake,
        compared=comparisons.aligned_in_eight_bits,
        extra=comparisons.against_known_psf,
        noises=(0.005,),
        blind=True,
        caveat="The networks of this package were trained on these images: only the error ratio, in which they restore "
        "with the true PSF too, says how good a PSF is.",
        group=shakes.size_group,
    ),
    Protocol(
        name="lai-blind",
        version=1,
        title="40 color photographs, PSFs of 31 to 75, withheld",
        summary="10 scenes of Lai 2016 x 4 PSFs, unknown, in color: 8 bits, luminance from 16 to 235, cropped "
        "by 15 pixels and shifted by up to 10, whole ones, to the best fit; gain over the blurred image, and error "
        "ratio against sparse_edges with the true PSF.",
        pairs=samples.lai_pairs,
        observe=samples.observe_lai,
        compared=comparisons.aligned_luminance,
        extra=comparisons.against_input_and_known_psf,
        blind=True,
        caveat="Published figures use other crops, shifts and channels, and often the sizes of the PSFs.",
        group=samples.lai_group,
    ),
    Protocol(
        name="levin-nonblind",
        version=1,
        title="the 32 Levin images, PSF known",
        summary="The 32 Levin originals, PSF known (f of the file, rotated): 8 bits, cropped by 15 pixels, shifted by "
        "up to 10 at 0.25 to the best fit with x of the same file.",
        pairs=samples.levin_pairs,
        observe=samples.observe_levin,
        compared=comparisons.aligned_in_eight_bits,
        caveat="The bilinear shift smooths: it rewards estimates that are too sharp.",
    ),
    Protocol(
        name="levin-synthetic",
        version=2,
        title="the 4 sharp Levin scenes x 8 PSFs, blurred here",
        summary="The 4 sharp Levin scenes x 8 PSFs, blurred here, valid border, noise not clipped; 30 pixels are cut "
        "on each side, and the estimate is rounded to 8 bits, as by VEM-Net's script.",
        pairs=samples.levin_pairs,
        observe=samples.observe_sharp_levin,
        compared=comparisons.inner_in_eight_bits,
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
        compared=comparisons.clipped,
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
        compared=comparisons.in_eight_bits,
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
        compared=comparisons.clipped,
        noises=(0.01, 0.03, 0.05),
    ),
    Protocol(
        name="bars3d",
        version=1,
        title="a 3-D volume",
        summary="flowdec's bars, 3-D: scored after the best affine match of intensities.",
        pairs=samples.bars,
        observe=samples.observe_bars,
        compared=comparisons.matched_in_intensity,
        extra=comparisons.relative_error,
        caveat="One volume: no interval. Its beads have no truth and are not scored.",
    ),
    Protocol(
        name="galaxies",
        version=1,
        title="100 small galaxies, a PSF each",
        summary="100 small galaxies, each with its own PSF, zero border: PSNR of a peak of 1, error of ellipticity.",
        pairs=samples.galaxies,
        observe=samples.observe_galaxy,
        compared=comparisons.unchanged,
        extra=comparisons.ellipticity_error,
        noises=(0.01, 0.03),
        caveat="The scenes are observed galaxies smoothed by a pixel: the clean ones are not published.",
    ),
)
