"""Conversion of operators from and to SciPy and PyLops, which act on NumPy vectors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from deblur._core.extras import needs_extra
from deblur.operators import LinearOperator
from deblur.operators._linear import Shape, as_shape

if TYPE_CHECKING:
    import pylops

Product = Callable[[np.ndarray], np.ndarray]


def from_scipy(
    operator: Any, domain_shape: int | Sequence[int] | None = None, range_shape: int | Sequence[int] | None = None
) -> LinearOperator:
    """Convert a matrix, sparse or dense, or a `scipy.sparse.linalg.LinearOperator`, to an operator of this package.

    The inverse conversion is ``operator.as_scipy()``.

    Parameters
    ----------
    operator : scipy.sparse.linalg.LinearOperator or array-like
        Real, of shape ``(prod(range_shape), prod(domain_shape))``; it acts on raveled arrays, in C order.
    domain_shape, range_shape : int or sequence of int, optional
        Shapes of x and of ``A(x)``; vectors if None.

    Returns
    -------
    deblur.operators.LinearOperator
        Operator that computes on the CPU, in the precision of `operator`; autograd differentiates it by its adjoint.

    Raises
    ------
    TypeError
        If `operator` is complex.
    ValueError
        If a shape does not fit the size of `operator`.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.compat import from_scipy
    >>> A = from_scipy(np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]]))
    >>> A(np.array([1.0, 1.0, 1.0])), A.T(np.array([1.0, 1.0]))
    (array([3., 2.]), array([1., 3., 1.]))
    """
    import scipy.sparse.linalg

    linear = scipy.sparse.linalg.aslinearoperator(operator)
    rows, columns = linear.shape
    return _MatrixFree(
        linear.matmat,
        linear.rmatmat,
        np.dtype(linear.dtype),
        _fitting(domain_shape, int(columns), "domain_shape"),
        _fitting(range_shape, int(rows), "range_shape"),
    )


def from_pylops(operator: pylops.LinearOperator) -> LinearOperator:
    """Convert a PyLops operator to one of this package, between arrays of its ``dims`` and ``dimsd``.

    The origin of a convolution filter is ``offset`` in PyLops, by default its first element; in this package it is the
    middle, ``k // 2``.

    Parameters
    ----------
    operator : pylops.LinearOperator
        Real operator.

    Returns
    -------
    deblur.operators.LinearOperator
        As from `from_scipy`.

    Raises
    ------
    TypeError
        If it is complex.

    Examples
    --------
    >>> import numpy as np
    >>> import pylops
    >>> from deblur.compat import from_pylops
    >>> A = from_pylops(pylops.FirstDerivative((4, 3), axis=0, kind="forward"))
    >>> A(np.arange(12.0).reshape(4, 3))[0]
    array([3., 3., 3.])
    """
    return from_scipy(operator, operator.dims, operator.dimsd)


def to_pylops(operator: LinearOperator) -> pylops.LinearOperator:
    """Convert an operator to a `pylops.LinearOperator`; needs the extra ``pylops``.

    Parameters
    ----------
    operator : deblur.operators.LinearOperator
        Operator of any shapes.

    Returns
    -------
    pylops.LinearOperator
        float64, with ``dims`` and ``dimsd`` the two shapes.

    Raises
    ------
    ImportError
        If pylops is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.compat import to_pylops
    >>> from deblur.operators import Convolution
    >>> A = to_pylops(Convolution(np.array([0.1, 0.8, 0.1]), (8,), "reflect"))
    >>> y = A @ np.arange(8.0)
    >>> bool(np.allclose(A.div(y, niter=50), np.arange(8.0)))
    True
    """
    with needs_extra("pylops", "to_pylops"):
        import pylops

    view = pylops.LinearOperator(operator.as_scipy())
    view.dims, view.dimsd = operator.domain_shape, operator.range_shape
    return view


class _MatrixFree(LinearOperator):
    """An operator defined by its products with matrices of columns, and those of its adjoint."""

    def __init__(
        self, matmat: Product, rmatmat: Product, dtype: np.dtype, domain_shape: Shape, range_shape: Shape
    ) -> None:
        if dtype.kind == "c":
            raise TypeError(f"operator must be real, got {dtype}")
        super().__init__(domain_shape, range_shape)
        self._matmat, self._rmatmat = matmat, rmatmat

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return _Product.apply(x, self._matmat, self._rmatmat, self.domain_shape, self.range_shape)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return _Product.apply(y, self._rmatmat, self._matmat, self.range_shape, self.domain_shape)


class _Product(torch.autograd.Function):
    """A product in NumPy, whose gradient for autograd is the adjoint product."""

    @staticmethod
    def forward(
        context: Any, x: torch.Tensor, product: Product, other: Product, domain: Shape, range_: Shape
    ) -> torch.Tensor:
        context.back = other, product, range_, domain
        batch = x.shape[: x.ndim - len(domain)]
        columns = x.detach().cpu().reshape(-1, math.prod(domain)).numpy().T
        result = np.ascontiguousarray(np.asarray(product(columns)).T)
        return torch.from_numpy(result).to(x).reshape(*batch, *range_)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None, None, None]:
        return _Product.apply(gradient, *context.back), None, None, None, None


def _fitting(shape: int | Sequence[int] | None, size: int, name: str) -> Shape:
    fitting = (size,) if shape is None else as_shape(shape, name)
    if math.prod(fitting) != size:
        raise ValueError(f"{name} must have {size} samples, as the operator has, got {fitting}")
    return fitting
