"""Stopping by cross-validation on counts: some are held out, and the estimate from the others predicts them."""

from __future__ import annotations

import torch

_PATIENCE = 10
"""Iterations without a better prediction after which an image is done: python -m benchmarks.quality.counts_stop."""

_SEED = 0


class Holdout:
    """Counts, divided by Poisson thinning, and the estimate that predicted the held-out ones best.

    Each photon of a Poisson count is held out at random: the counts kept and the counts held out are Poisson and
    independent (Neufeld, Dharamshi, Gao and Witten, JMLR 2024).

    Parameters
    ----------
    y : torch.Tensor
        Images, non-negative, ``(*batch, *space)``.
    noise : torch.Tensor
        Noise level per image; its square over the mean of the image is the value of one count.
    share : float
        Fraction of the counts to hold out.
    axes : tuple of int
        The spatial axes.

    Attributes
    ----------
    both : torch.Tensor
        The images, and the counts kept, scaled to their brightness, along a new first axis: ``(2, *batch, *space)``.
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
                "holdout needs counts, whose value follows from a positive noise_level; leave noise_level out"
            )
        generator = torch.Generator(y.device).manual_seed(_SEED)
        counts = (y / unit + torch.rand(y.shape, generator=generator, dtype=y.dtype, device=y.device)).floor()
        kept = torch.binomial(counts, torch.full_like(counts, 1 - share), generator=generator)
        self.both = torch.stack([y, kept * unit / (1 - share)])
        self._held_out = (counts - kept) * unit / share
        self._axes = axes
        self._lowest = torch.full_like(mean, torch.inf)
        self._iterations_since = torch.zeros_like(mean)
        self._count = 0
        self.best = y

    def is_past(self, estimate: torch.Tensor, prediction: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Record an estimate from all counts, and the prediction from those kept.

        Returns one boolean per image: whether the last better prediction is more than `_PATIENCE` iterations ago.
        """
        prediction = prediction.clamp_min(torch.finfo(prediction.dtype).tiny)
        loss = (weights * (prediction - self._held_out * prediction.log())).double().sum(self._axes, keepdim=True)
        better = loss < self._lowest
        self.best = torch.where(better, estimate, self.best) if self._count else estimate
        self._lowest, self._iterations_since = (
            torch.where(better, loss, self._lowest),
            torch.where(better, 0, self._iterations_since + 1),
        )
        self._count += 1
        return self._iterations_since > _PATIENCE
