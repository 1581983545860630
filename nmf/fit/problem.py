"""One factorization to be solved: its objective, where it starts, and the multiplicative update of either factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from deblur.operators import multiplicative_step
from nmf.arrays import Array, StoredArray
from nmf.data.dense import DataTerm
from nmf.data.load import data_term, load
from nmf.data.shards import SINGLE_PROCESS, Shards
from nmf.data.stored import StoredMatrix
from nmf.factors.module import Factors, check_data_shape, redraw, untouched
from nmf.maps.geometry import Geometry
from nmf.maps.matrix import Model
from nmf.objective.penalties import TERMS, Penalties, Slope

from .units import Units


@dataclass
class Problem:
    """The penalized divergence as a function of the two factors, in units in which the data have a mean near 1.

    Attributes
    ----------
    data : DataTerm
        The divergence from V.
    model : Model
        The product of the factors, as linear maps.
    geometry : Geometry
        The axes of the factors.
    W, H : torch.Tensor
        The factors to start from.
    units : Units
        Conversion of the factors and of the objective to the units of V.
    penalties : Penalties
        On the factors.
    train_W, train_H : bool
        Whether the factor is to be found, or fixed.
    frozen : torch.Tensor, optional
        True for components of W that are fixed; broadcastable to W.
    shards : Shards
        The processes that hold the other columns of V and H. W is the same in all of them.
    """

    data: DataTerm
    model: Model
    geometry: Geometry
    W: Tensor
    H: Tensor
    units: Units
    penalties: Penalties = field(default_factory=Penalties)
    train_W: bool = True
    train_H: bool = True
    frozen: Tensor | None = None
    shards: Shards = SINGLE_PROCESS

    @classmethod
    def from_module(
        cls,
        module: Factors,
        V: Array | StoredArray,
        mask: Array | None,
        weights: Array | None,
        beta: float,
        penalties: Penalties | None = None,
        *,
        freeze_W: Array | Sequence[bool] | None = None,
        seed: int | None = None,
        process_group: Any = None,
    ) -> Problem:
        """Find the trainable factors of a module, which takes on the precision of the data.

        Raises
        ------
        TypeError, ValueError
            If an argument is not valid or does not fit the module; see `nmf.NMF.fit`.
        """
        if not (module.W.requires_grad or module.H.requires_grad):
            raise ValueError("both factors are frozen: nothing to fit")
        penalties = penalties or Penalties()
        shards = _shards(process_group, module.geometry, penalties)
        data, combined = load(V, mask, weights, beta, module.W, convolutive=module.geometry.kernel_axes > 0)
        module.to(data.dtype)
        check_data_shape(module, data, same_activations=True)
        if seed is not None:
            redraw(module, seed)
        frozen = _frozen_components(module, freeze_W)
        scalable, train = _scalable(module, frozen), (module.W.requires_grad, module.H.requires_grad)
        shards.check_same(
            **{"the shape of W": tuple(module.W.shape), "the dtype of V and the module": data.dtype, "beta": beta},
            **{"the factors to fit": (sorted(scalable), train, None if frozen is None else frozen.flatten().tolist())},
            penalties=penalties.weights(),
        )
        factors = shards.first(module.W.detach()), module.H.detach()
        return cls._in_units(module, data, combined, beta, factors, scalable, penalties, train, frozen, shards)

    @classmethod
    def for_activations(
        cls,
        module: Factors,
        V: Array | StoredArray,
        mask: Array | None,
        weights: Array | None,
        beta: float,
        penalties: Penalties | None = None,
        *,
        H: Tensor | None = None,
    ) -> Problem:
        """Find the activations of any data for the templates of a module, starting from `H` or from equal values.

        Raises
        ------
        TypeError, ValueError
            If an argument is not valid or does not fit the module; see `nmf.NMF.transform`.
        """
        data, combined = load(V, mask, weights, beta, module.W, convolutive=module.geometry.kernel_axes > 0)
        check_data_shape(module, data, same_activations=False)
        W, geometry = module.W.detach().to(data.dtype), module.geometry
        scalable: set[str] = set()
        if H is None:
            lead, space = data.shape[: geometry.component_axis_H], tuple(data.shape[-geometry.space_axes :])
            space = geometry.activations(space, geometry.kernel_shape(tuple(W.shape)))
            H, scalable = W.new_ones(*lead, module.rank, *space), {"H"}
        return cls._in_units(module, data, combined, beta, (W, H), scalable, penalties or Penalties(), (False, True))

    @classmethod
    def _in_units(
        cls,
        module: Factors,
        V: Tensor | StoredMatrix,
        weights: Tensor | None,
        beta: float,
        factors: tuple[Tensor, Tensor],
        scalable: set[str],
        penalties: Penalties,
        train: tuple[bool, bool],
        frozen: Tensor | None = None,
        shards: Shards = SINGLE_PROCESS,
    ) -> Problem:
        units = Units(V, weights, beta, module.problem_axes, in_W=not train[1], shards=shards)
        W, H = units.fill(*units.enter(*factors), scalable)
        data = data_term(units.data(), weights, beta, module.problem_axes)
        model, scaled = module.geometry.model(W, H), units.penalties(penalties)
        return cls(data, model, module.geometry, W, H, units, scaled, *train, frozen, shards)

    def objective(self, W: Tensor, H: Tensor) -> Tensor:
        """Return the penalized objective of each problem."""
        value = self.data.divergence(self.model.of_H(W), H) + self.penalty_of_H(H)
        return self.shards.sum(value) + self.penalty_of_W(W)

    def penalty_of_W(self, W: Tensor) -> Tensor:
        """Return the penalties on the templates of each problem."""
        return self.penalties.W.value(W, self.data.problem_axes, self.geometry.component_axis_W)

    def penalty_of_H(self, H: Tensor) -> Tensor:
        """Return the penalties on the activations of each problem, those in other processes excepted."""
        return self.penalties.H.value(H, self.data.problem_axes, self.geometry.component_axis_H)

    def updated_W(self, W: Tensor, H: Tensor, gamma: float | None) -> Tensor:
        """Return the templates after one step."""
        slope = self.data.slope(self.model.of_W(H), W)
        slope = slope._replace(down=self.shards.sum(slope.down), up=self.shards.sum(slope.up))
        slope = self.penalties.W.add_to(slope, W, self.geometry.component_axis_W)
        return self.keep_frozen(W, majorizer_step(slope, W, gamma))

    def updated_H(self, W: Tensor, H: Tensor, gamma: float | None) -> Tensor:
        """Return the activations after one step."""
        slope = self.data.slope(self.model.of_H(W), H)
        return majorizer_step(self.penalties.H.add_to(slope, H, self.geometry.component_axis_H), H, gamma)

    def keep_frozen(self, old: Tensor, new: Tensor) -> Tensor:
        """Return the templates `new` with the frozen components of `old`."""
        return new if self.frozen is None else torch.where(self.frozen, old, new)


def majorizer_step(slope: Slope, x: Tensor, gamma: float | None) -> Tensor:
    """Return the minimum of the majorizer, or the step with another exponent `gamma`."""
    exponent = slope.exponent if gamma is None else gamma
    # Entries on which the data do not depend are 0 / 0 and stay; for all others the margin is below rounding.
    margin = 8 * torch.finfo(x.dtype).tiny
    if exponent == 1:
        new = multiplicative_step(x, slope.down, slope.up, margin=margin)
    else:
        new = multiplicative_step(torch.ones_like(x), slope.down, slope.up, margin=margin)
        new = new.log_().mul_(exponent).exp_().mul_(x)
    # Vanishing entries end as 0, and not as denormal numbers, with which processors are a hundred times slower.
    return torch.nn.functional.threshold(new, 1e6 * margin, 0.0, inplace=True)


def _shards(process_group: Any, geometry: Geometry, penalties: Penalties) -> Shards:
    if process_group is None:
        return SINGLE_PROCESS
    if geometry.kernel_axes:
        raise ValueError("process_group is for nmf.NMF: convolutive templates reach across the columns of a process")
    for name in penalties.H.active:
        if TERMS[name].couples_columns:
            raise ValueError(f"{name}_H couples columns of different processes; leave out it or process_group")
    return Shards(process_group)


def _scalable(module: Factors, frozen: Tensor | None) -> set[str]:
    """Name the factors that a fit may rescale to the data: drawn at random, unchanged since, and trainable."""
    trainable = {name for name in ("W", "H") if getattr(module, name).requires_grad}
    return untouched(module) & (trainable if frozen is None else trainable - {"W"})


def _frozen_components(module: Factors, components: Array | Sequence[bool] | None) -> Tensor | None:
    if components is None:
        return None
    frozen = torch.as_tensor(components, device=module.W.device)
    if frozen.dtype != torch.bool or tuple(frozen.shape) != (module.rank,):
        raise ValueError(f"freeze_W must be {module.rank} booleans, one per component, got {components!r}")
    return frozen.reshape(-1, *[1] * module.geometry.kernel_axes)
