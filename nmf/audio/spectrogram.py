"""The short-time Fourier transform and its inverse."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Spectrogram:
    """A short-time Fourier transform with a Hann window and centered frames, padded with silence.

    Parameters
    ----------
    n_fft : int
        Samples in a frame; there are ``n_fft // 2 + 1`` frequencies.
    hop : int
        Samples from one frame to the next, at most half a frame.

    Raises
    ------
    ValueError
        If `hop` is not from 1 to ``n_fft // 2``.

    Examples
    --------
    >>> import torch
    >>> from nmf.audio import Spectrogram
    >>> transform = Spectrogram(64, 16)
    >>> y = torch.sin(torch.arange(1000.0))
    >>> torch.allclose(transform.inverse(transform(y), 1000), y, atol=1e-5)
    True
    """

    n_fft: int = 2048
    hop: int = 512

    def __post_init__(self) -> None:
        if not 1 <= self.hop <= self.n_fft // 2:
            raise ValueError(f"hop must be from 1 to n_fft // 2 = {self.n_fft // 2}, got {self.hop}")

    def __call__(self, samples: Tensor) -> Tensor:
        """Return the complex spectrogram ``(..., frequencies, frames)`` of ``(..., samples)``."""
        flat = samples.reshape(-1, samples.shape[-1])
        X = torch.stft(
            flat, self.n_fft, self.hop, window=self._window(samples), pad_mode="constant", return_complex=True
        )
        return X.reshape(*samples.shape[:-1], *X.shape[-2:])

    def inverse(self, X: Tensor, length: int) -> Tensor:
        """Return the signal of `length` samples whose spectrogram is nearest to X."""
        flat = X.reshape(-1, *X.shape[-2:])
        samples = torch.istft(flat, self.n_fft, self.hop, window=self._window(X.real), length=length)
        return samples.reshape(*X.shape[:-2], length)

    def _window(self, like: Tensor) -> Tensor:
        return torch.hann_window(self.n_fft, dtype=like.dtype, device=like.device)
