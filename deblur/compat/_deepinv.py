"""Conversion of operators from and to DeepInverse."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from deblur._core.extras import needs_extra
from deblur.operators import LinearOperator
from deblur.operators._linear import Shape, as_shape

if TYPE_CHECKING:
    import deepinv


def to_deepinv(operator: LinearOperator, **options: Any) -> deepinv.physics.LinearPhysics:
    """Convert an operator to a `deepinv.physics.LinearPhysics`; needs the extra ``deepinv``.

    Parameters
    ----------
    operator : deblur.operators.LinearOperator
        Operator of any shapes; the leading axes of a tensor are its batch and channel axes.
    **options
        Options of `deepinv.physics.LinearPhysics`: ``noise_model``, ``max_iter``, ``tol``, ``solver`` ...

    Returns
    -------
    deepinv.physics.LinearPhysics
        With ``A`` and ``A_adjoint`` of the operator; ``A_dagger`` and ``prox_l2`` are computed by iterations.

    Raises
    ------
    ImportError
        If deepinv is not installed.

    Examples
    --------
    >>> import torch
    >>> from deblur import psf
    >>> from deblur.compat import to_deepinv
    >>> from deblur.operators import Convolution
    >>> physics = to_deepinv(Convolution(psf.gaussian(2), (64, 64)))  # doctest: +SKIP
    >>> y = physics(torch.rand(1, 3, 64, 64))  # batch, channels, space  # doctest: +SKIP
    """
    with needs_extra("deepinv", "to_deepinv"):
        import deepinv

    def forward(x: torch.Tensor, **parameters: Any) -> torch.Tensor:
        return operator(x)

    def adjoint(y: torch.Tensor, **parameters: Any) -> torch.Tensor:
        return operator.T(y)

    return deepinv.physics.LinearPhysics(A=forward, A_adjoint=adjoint, **options)


def from_deepinv(physics: deepinv.physics.LinearPhysics, shape: int | Sequence[int]) -> LinearOperator:
    """Convert a linear physics of DeepInverse to an operator of this package.

    It is copied, because calls in DeepInverse may set its parameters, which would change the operator. Test with
    `deblur.operators.check_adjoint` whether its ``A_adjoint`` is exact: that of `deepinv.physics.Blur` has not been for
    some paddings and filters with one row or column.

    Parameters
    ----------
    physics : deepinv.physics.LinearPhysics
        Physics whose ``A`` and ``A_adjoint`` are used; its noise is left out.
    shape : int or sequence of int
        Shape of x without the batch axis: ``(channels, height, width)``, or with a depth before the height.

    Returns
    -------
    deblur.operators.LinearOperator
        Operator that computes in the precision and on the device of the buffers of `physics`.

    Raises
    ------
    TypeError
        If ``A`` does not return a real tensor.

    Examples
    --------
    >>> import deepinv  # doctest: +SKIP
    >>> import torch
    >>> from deblur.compat import from_deepinv
    >>> kernel = torch.ones(1, 1, 5, 5) / 25
    >>> A = from_deepinv(deepinv.physics.BlurFFT((1, 64, 64), filter=kernel), (1, 64, 64))  # doctest: +SKIP
    """
    return _Physics(copy.deepcopy(physics), as_shape(shape))


class _Physics(LinearOperator):
    def __init__(self, physics: Any, domain_shape: Shape) -> None:
        self._physics = physics
        self._like = next((b for b in physics.buffers() if b is not None and b.is_floating_point()), torch.zeros(()))
        with torch.no_grad():
            y = physics.A(torch.zeros(1, *domain_shape).to(self._like))
        if not isinstance(y, torch.Tensor) or y.is_complex():
            kind = y.dtype if isinstance(y, torch.Tensor) else type(y).__name__
            raise TypeError(f"physics.A must return a real tensor, got {kind}")
        super().__init__(domain_shape, tuple(y.shape[1:]))

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._apply(self._physics.A, x, self.domain_shape, self.range_shape)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return self._apply(self._physics.A_adjoint, y, self.range_shape, self.domain_shape)

    def _apply(self, function: Any, x: torch.Tensor, before: Shape, after: Shape) -> torch.Tensor:
        batch = x.shape[: x.ndim - len(before)]
        return function(x.reshape(-1, *before).to(self._like)).to(x).reshape(*batch, *after)
