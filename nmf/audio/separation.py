"""Separation of a recording into components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Generic

import torch
from torch import Tensor

from nmf.arrays import Array, ArrayT, as_tensor, in_kind_of
from nmf.devices import to_device
from nmf.fit.options import Callback, FitResult
from nmf.models.nmfd import NMFD

from .initialize import init_activations, init_templates
from .spectrogram import Spectrogram


def nmfd(
    V: ArrayT,
    components: int = 3,
    taps: int = 8,
    *,
    W: Array | None = None,
    H: Array | None = None,
    beta: float = 1.0,
    boundary: str = "causal",
    max_iter: int = 100,
    **options: Any,
) -> tuple[ArrayT, ArrayT, ArrayT, FitResult]:
    """Fit an `nmf.NMFD` and return its parts: a function for scripts.

    Parameters
    ----------
    V : numpy.ndarray or torch.Tensor
        Non-negative spectrogram, ``(F, T)``.
    components, taps : int
        Number of components, and length of a template in frames, unless W or H determine them.
    W, H : numpy.ndarray or torch.Tensor, optional
        Factors to start from, of the shapes that are returned; drawn at random by default.
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
        The course of the fit.

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
    W, H, parts = (in_kind_of(V, x.detach()) for x in (model.W, model.H, model.components()))
    return W, H, parts, result


@dataclass(frozen=True)
class Separation(Generic[ArrayT]):
    """The components of a recording.

    Attributes
    ----------
    signals : numpy.ndarray or torch.Tensor
        ``(components, *shape of the recording)``; they sum to the recording.
    names : list of str
        Of the components.
    W, H : torch.Tensor
        Templates ``(F, R, taps)`` and activations ``(R, T)``.
    result : nmf.FitResult
        The course of the fit.
    """

    signals: ArrayT
    names: list[str]
    W: Tensor
    H: Tensor
    result: FitResult


@torch.no_grad()
def separate(
    samples: ArrayT,
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
    callback: Callback | None = None,
    device: str | torch.device | None = None,
) -> Separation[ArrayT]:
    """Separate a recording into components with templates of several frames: NMFD, then Wiener masks.

    With onsets it separates drums as Dittmar and Müller do (IEEE/ACM TASLP 2016); without, the fit starts from random
    factors, and what a component is has to be heard.

    Parameters
    ----------
    samples : numpy.ndarray or torch.Tensor
        ``(samples,)`` or ``(channels, samples)``; the channels share one model.
    rate : int
        Samples per second.
    components : int
        Number of components, without onsets.
    onsets : mapping from str to sequence of float, optional
        Onsets of each instrument, in seconds.
    taps : int
        Length of a template in frames.
    transform : Spectrogram, optional
        By default frames of 2048 samples, 512 apart.
    alpha : float
        Exponent of the masks, positive.
    beta, max_iter, callback
        As of `nmf.NMFD.fit`.
    seed : int, optional
        Of the random factors without onsets.
    device : str or torch.device, optional
        Where to compute: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``, or ``"auto"`` for the accelerator of this
        machine if the work fits; where the samples are if None. The results are where the samples are.

    Returns
    -------
    Separation

    Raises
    ------
    ValueError
        If the samples are empty, not finite, of more than two axes, the rate is not positive, or the device is not on
        this machine.

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
    y = _validate_recording(samples, rate)
    home, count = y.device, components if onsets is None else len(onsets)
    if device is not None:
        y = to_device(y, device, needed_bytes=_needed_bytes(y, count, transform))
    X = transform(y)
    V = X.abs() if y.ndim == 1 else X.abs().square().sum(0).sqrt()
    if onsets is None:
        names = [f"component-{r + 1}" for r in range(components)]
        model = NMFD(V.shape, components, taps, seed=seed, dtype=V.dtype, device=V.device)
    else:
        names, model = list(onsets), _model_from_onsets(V, onsets, rate, taps, transform)
    result = model.fit(V, beta, max_iter=max_iter, callback=callback)
    masks = model.separate(torch.ones_like(V), alpha)
    masks = masks.unsqueeze(1) if y.ndim == 2 else masks  # the axis of components comes before that of channels
    signals = transform.inverse(masks * X, y.shape[-1]).to(home)
    return Separation(in_kind_of(samples, signals), names, model.W.detach().to(home), model.H.detach().to(home), result)


def _validate_recording(samples: Array, rate: int) -> Tensor:
    y = as_tensor(samples, "samples")
    if y.ndim not in (1, 2):
        raise ValueError(f"samples must be (samples,) or (channels, samples), got shape {tuple(y.shape)}")
    if not bool(torch.isfinite(y).all()):
        raise ValueError("samples hold NaN or infinity")
    if not isinstance(rate, Real) or not 0 < rate < float("inf"):
        raise ValueError(f"rate must be positive, in samples per second, got {rate!r}")
    return y


def _needed_bytes(y: Tensor, components: int, transform: Spectrogram) -> int:
    """Estimate the peak memory: masks, masked spectrograms of all channels, and frames of their inverse transform."""
    bins = (transform.n_fft // 2 + 1) * (1 + y.shape[-1] // transform.hop)
    channels = y.shape[0] if y.ndim == 2 else 1
    return bins * components * (3 + 6 * channels) * y.element_size()


def _model_from_onsets(
    V: Tensor, onsets: Mapping[str, Sequence[float]], rate: int, taps: int, transform: Spectrogram
) -> NMFD:
    """Return a model whose activations start at the onsets, and whose templates are uniform."""
    if not onsets:
        raise ValueError("onsets is empty: name at least one instrument")
    H = init_activations(V.shape[1], onsets=[list(times) for times in onsets.values()], rate=rate, hop=transform.hop)
    W = init_templates(transform.n_fft, components=len(onsets), taps=taps, rate=rate, hop=transform.hop)
    # At the level of the recording, so that the first steps change the shapes and not the level.
    H = H * (V.sum().cpu() / H.sum().clamp_min(1e-30))
    return NMFD(W=W, H=H, dtype=V.dtype, device=V.device)
