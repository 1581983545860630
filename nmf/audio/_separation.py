"""From a recording to its components."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from nmf._input import as_tensor, like
from nmf._nmfd import NMFD
from nmf._result import FitResult

from ._initialize import init_activations, init_templates
from ._spectrogram import Spectrogram


def nmfd(
    V: Any,
    components: int = 3,
    taps: int = 8,
    *,
    W: Any = None,
    H: Any = None,
    beta: float = 1.0,
    boundary: str = "causal",
    max_iter: int = 100,
    **options: Any,
) -> tuple[Any, Any, Any, FitResult]:
    """Fit an `nmf.NMFD` and return its parts: a function for scripts.

    Parameters
    ----------
    V : numpy.ndarray or torch.Tensor
        Non-negative spectrogram, ``(F, T)``.
    components, taps : int
        Number of components and frames of a template, where W and H do not tell.
    W, H : numpy.ndarray or torch.Tensor, optional
        Where to start, of the shapes that are returned; even activations and random templates by default.
    beta, max_iter, **options
        As of `nmf.NMFD.fit`.
    boundary : str
        As of `nmf.NMFD`.

    Returns
    -------
    W, H : numpy.ndarray or torch.Tensor
        ``(F, R, taps)`` and ``(R, T)``.
    parts : numpy.ndarray or torch.Tensor
        The components' spectrograms, ``(R, F, T)``.
    result : nmf.FitResult
        How the fit went.

    Raises
    ------
    ValueError
        As `nmf.NMFD` and its `fit`.

    Examples
    --------
    >>> import torch
    >>> from nmf.audio import nmfd
    >>> V = torch.rand(6, 12)
    >>> W, H, parts, result = nmfd(V, components=2, taps=3, max_iter=10)
    >>> W.shape, H.shape, parts.shape
    (torch.Size([6, 2, 3]), torch.Size([2, 12]), torch.Size([2, 6, 12]))
    """
    data = as_tensor(V, "V")
    model = NMFD(data.shape, None if W is not None or H is not None else components, taps, W=W, H=H, boundary=boundary)
    result = model.to(data.device).fit(data, beta, max_iter=max_iter, **options)
    return *(like(x.detach(), V) for x in (model.W, model.H, model.components())), result


@dataclass(frozen=True)
class Separation:
    """A recording taken apart.

    Attributes
    ----------
    signals : numpy.ndarray or torch.Tensor
        ``(components, *shape of the recording)``; they sum to the recording.
    names : list of str
        Of the components.
    W, H : torch.Tensor
        Templates ``(F, R, taps)`` and activations ``(R, T)``.
    result : nmf.FitResult
        How the fit went.
    """

    signals: Any
    names: list[str]
    W: Tensor
    H: Tensor
    result: FitResult


@torch.no_grad()
def separate(
    samples: Any,
    rate: int,
    components: int = 3,
    *,
    onsets: Mapping[str, Sequence[float]] | None = None,
    taps: int = 8,
    transform: Spectrogram | None = None,
    alpha: float = 1.0,
    beta: float = 1.0,
    max_iter: int = 60,
    seed: int | None = 0,
    callback: Callable[[int, Any, float], object] | None = None,
) -> Separation:
    """Take a recording apart into components with templates that last: NMFD, then Wiener masks.

    With onsets it separates drums as Dittmar and Müller do (IEEE/ACM TASLP 2016); without, components are found from
    random starts, and what they mean is to be heard.

    Parameters
    ----------
    samples : numpy.ndarray or torch.Tensor
        ``(samples,)`` or ``(channels, samples)``; the channels share one model.
    rate : int
        Samples a second.
    components : int
        Number of components, without onsets.
    onsets : mapping from str to sequence of float, optional
        For each instrument, when it is struck, in seconds.
    taps : int
        Frames of a template.
    transform : Spectrogram, optional
        Frames of 2048 samples, 512 apart, by default.
    alpha : float
        Exponent of the masks.
    beta, max_iter, callback
        As of `nmf.NMFD.fit`.
    seed : int, optional
        Of the random start without onsets.

    Returns
    -------
    Separation

    Raises
    ------
    ValueError
        If the samples are empty, not finite, of more than two axes, or the rate is not positive.

    Examples
    --------
    >>> import torch
    >>> from nmf.audio import Spectrogram, separate
    >>> y = torch.randn(4000, generator=torch.Generator().manual_seed(0))
    >>> parts = separate(y, 8000, components=2, transform=Spectrogram(256, 64), max_iter=5)
    >>> parts.signals.shape, torch.allclose(parts.signals.sum(0), y, atol=1e-4)
    (torch.Size([2, 4000]), True)
    """
    transform = transform or Spectrogram()
    y = as_tensor(samples, "samples")
    if y.ndim not in (1, 2):
        raise ValueError(f"samples must be (samples,) or (channels, samples), got shape {tuple(y.shape)}")
    if not bool(torch.isfinite(y).all()):
        raise ValueError("samples hold NaN or infinity")
    if not isinstance(rate, Real) or not 0 < rate < float("inf"):
        raise ValueError(f"rate must be positive, in samples a second, got {rate!r}")
    X = transform(y)
    V = X.abs() if y.ndim == 1 else X.abs().square().sum(0).sqrt()
    if onsets is None:
        names = [f"component-{r + 1}" for r in range(components)]
        model = NMFD(V.shape, components, taps, seed=seed, dtype=V.dtype, device=V.device)
    else:
        if not onsets:
            raise ValueError("onsets is empty: name at least one instrument")
        names = list(onsets)
        frames = {"rate": rate, "hop": transform.hop}
        H = init_activations(V.shape[1], onsets=[list(onsets[name]) for name in names], **frames)
        W = init_templates(transform.n_fft, components=len(names), taps=taps, rate=rate, hop=transform.hop)
        # As loud as the recording, so that the first steps change the shapes and not the level.
        H = H * (V.sum().cpu() / H.sum().clamp_min(1e-30))
        model = NMFD(W=W, H=H, dtype=V.dtype, device=V.device)
    result = model.fit(V, beta, max_iter=max_iter, callback=callback)
    # The components' axis goes in front of channels.
    masks = (
        model.separate(torch.ones_like(V), alpha).unsqueeze(1)
        if y.ndim == 2
        else model.separate(torch.ones_like(V), alpha)
    )
    signals = transform.inverse(masks * X, y.shape[-1])
    return Separation(like(signals, samples), names, model.W.detach(), model.H.detach(), result)
