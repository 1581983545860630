"""When to stop, for counts: some are set aside, and the estimate from the others predicts them."""

from __future__ import annotations

import torch

_PATIENCE = 10
"""Iterations that may pass without a better prediction: python -m benchmarks.quality.counts_stop."""

_SEED = 0


class Holdout:
    """Counts, divided by Poisson thinning, and the estimate that predicted those set aside best.

    A count is Poisson, so its photons may be dealt out by chance: what is kept and what is set aside are Poisson and
    independent (Neufeld, Dharamshi, Gao and Witten, JMLR 2024).

    Parameters
    ----------
    y : torch.Tensor
        Pictures, non-negative, ``(*batch, *space)``.
    noise : torch.Tensor
        Their noise level; its square over their mean is the value of one count.
    share : float
        Of the counts, to be set aside.
    axes : tuple of int
        The spatial axes.

    Attributes
    ----------
    both : torch.Tensor
        The pictures, and in a second half of a new first axis what is kept of them, as bright: ``(2, *batch, *space)``.
    best : torch.Tensor
        The best estimate so far.
    """

    def __init__(self, y: torch.Tensor, noise: torch.Tensor, share: float, axes: tuple[int, ...]) -> None:
        if not 0 < share < 1:
            raise ValueError(f"holdout must be between 0 and 1, got {share}")
        mean = y.mean(axes, keepdim=True)
        unit = (noise.square() / mean.clamp_min(torch.finfo(y.dtype).tiny)).to(y)
        if bool((unit <= 0).any()):
            raise ValueError(
                "holdout divides counts, and with a noise_level of 0 there are none; leave noise_level out"
            )
        generator = torch.Generator(y.device).manual_seed(_SEED)
        counts = (y / unit + torch.rand(y.shape, generator=generator, dtype=y.dtype, device=y.device)).floor()
        kept = torch.binomial(counts, torch.full_like(counts, 1 - share), generator=generator)
        self.both = torch.stack([y, kept * unit / (1 - share)])
        self._aside = (counts - kept) * unit / share
        self._axes = axes
        self._least = torch.full_like(mean, torch.inf)
        self._since = torch.zeros_like(mean)
        self._taken = 0
        self.best = y

    def is_past(self, estimate: torch.Tensor, prediction: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Take note of an estimate from all counts and the prediction of one from those kept; say if it is time.

        Returns one truth value an image: whether no prediction has been better for long.
        """
        prediction = prediction.clamp_min(torch.finfo(prediction.dtype).tiny)
        loss = (weights * (prediction - self._aside * prediction.log())).double().sum(self._axes, keepdim=True)
        better = loss < self._least
        self.best = torch.where(better, estimate, self.best) if self._taken else estimate
        self._least, self._since = torch.where(better, loss, self._least), torch.where(better, 0, self._since + 1)
        self._taken += 1
        return self._since > _PATIENCE
