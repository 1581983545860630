"""Whether a restoration is better than what it was made from: wrong blurs leave ripples, and light below black."""

from __future__ import annotations

import math

import torch

from ._picture import gray

# Chosen on seven photographs of BSDS500's training set and of scikit-image, restored with right blurs, with sizes wrong
# by 8 to 40 %, and with other kinds: 138 of 151 that lose more than .2 dB are found, and one of 99 that gain a decibel.
_DARKEST = 0.001  # of the pixels
_DARKNESS_WEIGHT, _MOST = 2.0, 1.4
_SMALL, _MORE = 25, 0.4
"""Pixels of the PSF, and how much more may be per doubling: of the 40 sharp scenes of Lai et al. (CVPR 2016), blurred
by 31 to 75 pixels, 25 have less; inexact PSFs of shakes leave 2 to 2.4, and then lose 2 dB."""
DOUBTFUL = -0.5
"""How much more may be of a JPEG, or of a doubtful PSF: by hand; of 8 shakes of BSDS500's training set at quality 85, 3
change by 1.1, .7 and -.2 dB."""
SURE = 0.25
"""How much more may be of a sure PSF: by hand; of 16 right ones of Lai et al.'s 3 have more than the limit, and
lose up to 3 dB to a larger assumed error."""
_LEAST = 1e-6  # variation per pixel: a flat picture


def flaw_of(before: torch.Tensor, after: torch.Tensor, extent: int = 1, *, allowance: float = 0.0) -> str:
    """Return what is wrong with a restoration, as the end of a sentence; empty if it is better than the blurred image.

    A sharp picture varies more than a blurred one, but not by much: most of its edges are where they were, and only
    narrower. Ripples beside them vary as much again, and go far below the darkest of the blurred picture. The larger
    the blur, the more the sharp scene itself varies.

    Parameters
    ----------
    before, after : torch.Tensor
        Blurred and restored image, shape ``(channels, height, width)``, on the scale [0, 1], as stored.
    extent : int
        Pixels of the longer side of the PSF.
    allowance : float
        How much more it may vary: `DOUBTFUL` for a JPEG, in which the finest details are lost, or `SURE`.

    Examples
    --------
    >>> import torch
    >>> edge = torch.arange(64).sub(32).div(4).sigmoid().expand(1, 64, 64)
    >>> flaw_of(edge, (2 * edge - 0.5).clamp(0, 1)), flaw_of(edge, edge + torch.arange(64).cos())
    ('', 'makes ripples that the picture does not have')
    """
    is_better = harm_of(before, after) < most_harm(extent, allowance)
    return "" if is_better else "makes ripples that the picture does not have"


def most_harm(extent: int, allowance: float) -> float:
    """Return what `harm_of` is below, of restorations without ripples; see `flaw_of`."""
    return _MOST + _MORE * max(0.0, math.log2(extent / _SMALL)) + allowance


def harm_of(before: torch.Tensor, after: torch.Tensor) -> float:
    """Return how much more a restoration varies, and how far it goes below the darkest of the blurred image."""
    blurred, restored = gray(before), gray(after)
    variation = math.log(max(_variation(restored), _LEAST) / max(_variation(blurred), _LEAST))
    return variation + _DARKNESS_WEIGHT * (_darkest(blurred) - _darkest(restored))


def _variation(x: torch.Tensor) -> float:
    """Return the mean absolute difference of neighbors."""
    return float(x.diff(dim=0).abs().mean() + x.diff(dim=1).abs().mean())


def _darkest(x: torch.Tensor) -> float:
    return float(x.flatten().kthvalue(max(1, round(_DARKEST * x.numel()))).values)
