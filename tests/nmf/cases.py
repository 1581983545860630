"""Models and data that all suites of this folder share."""

import numpy as np
import torch

import nmf
from nmf.data.dense import DenseData
from nmf.fit.problem import Problem
from nmf.fit.units import Units
from nmf.maps.geometry import Geometry
from nmf.maps.matrix import Model
from nmf.objective.penalties import Penalties

BETAS = (-1, 0, 0.5, 1, 1.5, 2, 3)
MODELS = {
    "nmf": lambda: nmf.NMF((9, 14), 3, seed=0, dtype=torch.float64),
    "nmf-batch": lambda: nmf.NMF((2, 9, 14), 3, seed=0, dtype=torch.float64),
    "nmf-shared": lambda: nmf.NMF((2, 9, 14), 3, share_W=True, seed=0, dtype=torch.float64),
    "nmfd-causal": lambda: nmf.NMFD((9, 14), 3, 4, seed=0, dtype=torch.float64),
    "nmfd-full": lambda: nmf.NMFD((9, 14), 3, 4, boundary="full", seed=0, dtype=torch.float64),
    "nmfd-extend": lambda: nmf.NMFD((9, 14), 3, 4, boundary="extend", seed=0, dtype=torch.float64),
    "nmfd-batch": lambda: nmf.NMFD((2, 9, 14), 3, 4, seed=0, dtype=torch.float64),
    "nmfd-shared": lambda: nmf.NMFD((2, 9, 14), 3, 4, share_W=True, seed=0, dtype=torch.float64),
    "nmf2d": lambda: nmf.NMF2D((2, 7, 8), 2, (2, 3), seed=0, dtype=torch.float64),
    "nmf3d": lambda: nmf.NMF3D((1, 4, 5, 6), 2, 2, seed=0, dtype=torch.float64),
}


def data_for(model: torch.nn.Module, seed: int = 0, low: float = 0.01) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.gamma(0.5, 2.0, tuple(model().shape)) + low)


def problem_for(
    V: torch.Tensor,
    W: torch.Tensor,
    H: torch.Tensor,
    geometry: Geometry = Geometry(),  # noqa: B008  # immutable
    *,
    beta: float = 1.0,
    weights: torch.Tensor | None = None,
    penalties: Penalties | None = None,
    model: Model | None = None,
    **options: object,
) -> Problem:
    """Return a problem in the units of V."""
    problem_axes = W.ndim - 2 - geometry.kernel_axes
    data = DenseData(V if weights is None else V * (weights > 0), weights, beta, problem_axes)
    units = Units(V, weights, beta, problem_axes, in_W=False)
    model = model or geometry.model(W, H)
    return Problem(data, model, geometry, W, H, units, penalties or Penalties(), **options)
