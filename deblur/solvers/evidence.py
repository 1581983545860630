"""Noise level and smoothness: the most likely weights of a Gaussian model, given the image and the PSF.

A coefficient of the image's spectrum is normal with variance ``v |K|^2 / |L|^2 + s^2``: a scene whose roughness L x
is white with variance v, blurred by K, plus white noise. Maximizing the likelihood over v, or over v and s, is type-II
maximum likelihood (MacKay, Neural Computation 1992); it is smooth in both, so a logarithmic grid will do.
"""

from __future__ import annotations

import torch

from deblur.solvers.fourier import squared_modulus

_COEFFICIENTS = 2**14  # of the spectrum are sampled; by hand
_FAINTEST = 1e-6  # of the energy of the noise: an image of less is nothing, and its prior has to stay a finite number


class Evidence:
    """Likelihood of noise level and prior weight, from a sample of the spectrum of each image of a batch.

    Parameters
    ----------
    spectrum : torch.Tensor
        Half spectrum of the images on a padded grid, ``(*batch, *half)``.
    power, prior : torch.Tensor
        ``|K|^2`` and ``|L|^2``, broadcastable to it.
    grid : tuple of int
        Shape of the padded grid.
    """

    def __init__(self, spectrum: torch.Tensor, power: torch.Tensor, prior: torch.Tensor, grid: tuple[int, ...]) -> None:
        self._n = n = len(grid)
        step = max(1, spectrum.shape[spectrum.ndim - n :].numel() // _COEFFICIENTS)
        step += step % 2 == 0  # an odd step does not always fall on the same columns

        def sample(field: torch.Tensor) -> torch.Tensor:
            return field.reshape(*field.shape[: field.ndim - n], -1)[..., 1::step]  # without the mean

        self._square_gain = power.flatten(-n)[..., 0].double()
        self._rough = sample(prior.expand(spectrum.shape[spectrum.ndim - n :])).double()
        self._energy = squared_modulus(sample(spectrum)).double() / torch.Size(grid).numel()
        gainless = sample(power).double() / self._square_gain[..., None]
        self._ratio = gainless / self._rough.clamp_min(1e-12)

    def noise_level(self, *, smooth_half: bool = False) -> torch.Tensor:
        """Return the most likely standard deviation of the noise, shape ``(*batch, 1, ..., 1)``.

        With `smooth_half`, from the smoother half of the spectrum alone: compression and noise filters empty the other.
        """
        energy, ratio = self._energy, self._ratio
        if smooth_half:
            keep = self._rough.sqrt() < 0.5 * self._rough.sqrt().amax()
            energy, ratio = energy[..., keep], ratio[..., keep]
        if energy.shape[-1] < 16:
            return self._shaped(torch.zeros(energy.shape[:-1], dtype=energy.dtype))
        best = torch.full(energy.shape[:-1], -torch.inf, dtype=energy.dtype, device=energy.device)
        level = torch.zeros_like(best)
        for exponent in torch.arange(-7, 2.01, 0.125).tolist():
            balance = 10**exponent
            model = ratio + balance  # of the energy, up to the variance v, whose best value is known:
            variance = (energy / model).mean(-1).clamp_min(torch.finfo(torch.float32).tiny)
            likelihood = -model.log().sum(-1) - energy.shape[-1] * variance.log()
            better = likelihood > best
            best = torch.where(better, likelihood, best)
            level = torch.where(better, (balance * variance).sqrt(), level)
        return self._shaped(level)

    def balance(self, noise_level: torch.Tensor) -> torch.Tensor:
        """Return the most likely weight of the prior, ``s^2 / v``, for known noise levels ``(*batch, 1, ..., 1)``."""
        energy = self._energy.mean(-1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
        noise = noise_level.double().reshape(*noise_level.shape[: max(noise_level.ndim - self._n, 0)], 1).square()
        scale = torch.maximum(energy, _FAINTEST * noise)
        noise = torch.maximum(noise, 1e-10 * energy)
        best = torch.full(self._energy.shape[:-1], -torch.inf, dtype=torch.float64, device=scale.device)
        chosen = torch.zeros_like(best)
        for exponent in torch.arange(-6, 1.01, 0.25).tolist():
            variance = scale * 10**exponent
            expected = variance * self._ratio + noise
            likelihood = -(expected.log() + self._energy / expected).sum(-1)
            better = likelihood > best
            best = torch.where(better, likelihood, best)
            chosen = torch.where(better, (noise / variance).squeeze(-1), chosen)
        return self._shaped(chosen * self._square_gain)

    def _shaped(self, values: torch.Tensor) -> torch.Tensor:
        return values.reshape(*values.shape, *[1] * self._n)
