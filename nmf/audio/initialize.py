"""Templates and activations from prior knowledge of the music: pitches, instruments, onsets, notes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .masks import nema

# Center in Hz, width in octaves, and decay time in seconds: rough values, which a fit refines.
_DRUMS = {
    "kick": (60.0, 1.0, 0.12),
    "snare": (900.0, 2.2, 0.10),
    "hihat": (9000.0, 0.8, 0.05),
    "tom": (120.0, 0.8, 0.20),
    "cymbal": (7000.0, 1.2, 0.60),
}


def init_templates(
    n_fft: int,
    *,
    components: int | None = None,
    pitches: Sequence[float] | None = None,
    drums: Sequence[str] | None = None,
    taps: int | None = None,
    rate: int = 44100,
    hop: int = 512,
    harmonics: int = 20,
    tolerance: float = 0.5,
) -> Tensor:
    """Make templates: uniform, harmonic for pitches, or broad bands for drums. Give one of the three.

    Parameters
    ----------
    n_fft : int
        Samples in a frame.
    components : int, optional
        Number of uniform templates.
    pitches : sequence of float, optional
        MIDI numbers, 69 being 440 Hz: bands of `tolerance` semitones around each harmonic, of a height of one over
        its number, and exactly 0 elsewhere, which multiplicative steps keep.
    drums : sequence of str, optional
        Any of kick, snare, hihat, tom and cymbal.
    taps : int, optional
        Length of a template in frames, with the same spectrum in each; drums decay. None for matrix factorization.
    rate, hop : int
        Samples per second, and from one frame to the next.
    harmonics : int
        Number of partials of a pitch.
    tolerance : float
        Half-width of a partial in semitones, positive.

    Returns
    -------
    torch.Tensor
        ``(n_fft // 2 + 1, R)`` or ``(n_fft // 2 + 1, R, taps)``, each template of sum 1.

    Raises
    ------
    ValueError
        If not exactly one of the three is given, or a drum is unknown.

    Examples
    --------
    >>> from nmf.audio import init_templates
    >>> W = init_templates(2048, pitches=[57, 69], taps=4)
    >>> W.shape, bool(W[20, 1, 0] > 0)  # 440 Hz is near bin 20.4
    (torch.Size([1025, 2, 4]), True)
    """
    if sum(given is not None for given in (components, pitches, drums)) != 1:
        raise ValueError("give one of components, pitches and drums")
    frequencies = torch.arange(n_fft // 2 + 1) * (rate / n_fft)
    frames = torch.arange(taps or 1)
    if components is not None:
        W = torch.ones(len(frequencies), components, len(frames))
    elif pitches is not None:
        W = torch.stack([_partials(frequencies, p, harmonics, tolerance, rate / n_fft) for p in pitches], dim=1)
        W = W[..., None].repeat(1, 1, len(frames))
    else:
        unknown = set(drums or ()) - set(_DRUMS)
        if unknown:
            raise ValueError(f"drums must be of {', '.join(_DRUMS)}, got {', '.join(sorted(unknown))}")
        bands = []
        for center, width, seconds in (_DRUMS[name] for name in drums or ()):
            octaves = (frequencies.clamp_min(1.0) / center).log2()
            decay = torch.exp(-frames * hop / rate / seconds)
            bands.append((torch.exp(-0.5 * (octaves / width) ** 2) + 1e-3)[:, None] * decay)
        W = torch.stack(bands, dim=1)
    W = W / W.sum((0, 2), keepdim=True).clamp_min(1e-30)
    return W if taps is not None else W[..., 0]


def _partials(frequencies: Tensor, pitch: float, harmonics: int, tolerance: float, spacing: float) -> Tensor:
    template = torch.zeros_like(frequencies)
    for number in range(1, harmonics + 1):
        center = number * 440.0 * 2 ** ((pitch - 69) / 12)
        half = max(center * (2 ** (tolerance / 12) - 1), spacing)
        template = torch.maximum(template, (1 - (frequencies - center).abs() / half).clamp_min(0) / number)
    return template


def init_activations(
    frames: int,
    *,
    components: int | None = None,
    onsets: Sequence[Sequence[float]] | None = None,
    notes: Sequence[Sequence[tuple[float, float]]] | None = None,
    rate: int = 44100,
    hop: int = 512,
    decay: float = 0.75,
    tolerance: float = 0.0,
    floor: float = 1e-3,
) -> Tensor:
    """Make activations: uniform, from onsets, or from a score. Give one of the three.

    Parameters
    ----------
    frames : int
        Number of frames.
    components : int, optional
        Number of uniform activations.
    onsets : sequence of sequences of float, optional
        Onsets of each component in seconds; those outside the recording are ignored.
    notes : sequence of sequences of (float, float), optional
        Start and end of the notes of each component, in seconds.
    rate, hop : int
        Samples per second, and from one frame to the next.
    decay : float
        Factor by which the activation falls per frame after an onset, 0 to below 1.
    tolerance : float
        Seconds by which notes begin earlier and end later.
    floor : float
        Activation elsewhere: with 0, multiplicative steps keep the component silent there.

    Returns
    -------
    torch.Tensor
        ``(R, frames)``, at most 1.

    Raises
    ------
    ValueError
        If not exactly one of the three is given.

    Examples
    --------
    >>> from nmf.audio import init_activations
    >>> init_activations(4, onsets=[[0.0], [0.02]], rate=100, hop=1, decay=0.0, floor=0.0)
    tensor([[1., 0., 0., 0.],
            [0., 0., 1., 0.]])
    """
    if sum(given is not None for given in (components, onsets, notes)) != 1:
        raise ValueError("give one of components, onsets and notes")
    if components is not None:
        return torch.ones(components, frames)
    spans = [list(events) for events in notes] if notes is not None else [[(t, t) for t in ts] for ts in onsets or ()]
    H = torch.zeros(len(spans), frames)
    for row, events in zip(H, spans, strict=True):
        for first, last in events:
            begin, end = (round(t * rate / hop) for t in (first - tolerance, last + tolerance))
            row[max(begin, 0) : max(end + 1, 0)] = 1.0
    return (nema(H, decay) if onsets is not None else H).clamp_min(floor)
