"""The base of all operators: a domain and a range shape, forward and adjoint, and an algebra."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from deblur._core.arrays import Shape as Shape
from deblur._core.arrays import as_float_tensor

if TYPE_CHECKING:
    import scipy.sparse.linalg


_LARGEST_MATRIX = 2**27  # entries: one gibibyte in float64


def as_shape(shape: int | Sequence[int], name: str = "shape", ndim: int | None = None) -> Shape:
    """Return `shape` as a tuple of positive integers, an integer being repeated `ndim` times (once if None)."""
    sizes = (shape,) * (ndim or 1) if isinstance(shape, int) else tuple(int(size) for size in shape)
    if not sizes or any(size < 1 for size in sizes):
        raise ValueError(f"{name} must hold positive integers, got {shape}")
    if ndim is not None and len(sizes) != ndim:
        raise ValueError(f"{name} must have {ndim} entries, one per axis, got {shape}")
    return sizes


class LinearOperator(ABC):
    """A linear map between two array shapes that knows its adjoint exactly.

    Operators are immutable. They act on the last axes of an array; leading axes are a batch. They keep the dtype
    (float32 or float64), the device and the kind (NumPy or torch) of their argument, are differentiable by
    autograd, and combine: ``A @ B`` (B first), ``A + B``, ``A - B``, ``c * A``, ``A.T``.

    A subclass sets the two shapes through ``super().__init__`` and writes ``_forward`` and ``_adjoint`` on tensors.

    Parameters
    ----------
    domain_shape, range_shape : tuple of int
        Shapes of `x` and of ``A(x)``, without batch axes.

    Raises
    ------
    TypeError
        When it is applied, if the argument is not a real floating-point NumPy array or torch tensor.
    ValueError
        When it is applied, if the last axes of the argument are not `domain_shape`.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import LinearOperator, check_adjoint
    >>> class Reverse(LinearOperator):
    ...     def __init__(self, size):
    ...         super().__init__((size,), (size,))
    ...
    ...     def _forward(self, x):
    ...         return x.flip(-1)
    ...
    ...     def _adjoint(self, y):
    ...         return y.flip(-1)
    >>> A = Reverse(3)
    >>> check_adjoint(A)
    >>> (2 * A.T @ A + A)(np.array([1.0, 2.0, 4.0]))
    array([6., 6., 9.])
    """

    def __init__(self, domain_shape: Shape, range_shape: Shape) -> None:
        self.domain_shape = domain_shape
        self.range_shape = range_shape

    @abstractmethod
    def _forward(self, x: torch.Tensor) -> torch.Tensor: ...

    @abstractmethod
    def _adjoint(self, y: torch.Tensor) -> torch.Tensor: ...

    def __call__(self, x: Any) -> Any:
        """Apply the operator to the last axes of `x`; a batch in front is kept.

        Raises
        ------
        ValueError
            If the last axes of `x` are not `domain_shape`.
        TypeError
            If `x` is not a real floating-point NumPy array or torch tensor.
        """
        tensor, to_input_kind = as_float_tensor(x, "x")
        if not (x.is_floating_point() if isinstance(x, torch.Tensor) else x.dtype.kind == "f"):
            raise TypeError(f"{type(self).__name__} is linear and acts on floating-point arrays, got {x.dtype}")
        ndim = len(self.domain_shape)
        if tensor.ndim < ndim or tuple(tensor.shape[tensor.ndim - ndim :]) != self.domain_shape:
            raise ValueError(
                f"{type(self).__name__} acts on arrays whose last axes are {self.domain_shape}, "
                f"got shape {tuple(tensor.shape)}"
            )
        return to_input_kind(self._forward(tensor))

    @property
    def T(self) -> LinearOperator:
        """The adjoint operator: ``<A x, y> == <x, A.T y>``. Not an inverse."""
        return Adjoint(self)

    def __matmul__(self, other: LinearOperator) -> LinearOperator:
        return Composition(self, other) if isinstance(other, LinearOperator) else NotImplemented

    def __add__(self, other: LinearOperator) -> LinearOperator:
        return Sum(self, other) if isinstance(other, LinearOperator) else NotImplemented

    def __sub__(self, other: LinearOperator) -> LinearOperator:
        return Sum(self, -other) if isinstance(other, LinearOperator) else NotImplemented

    def __rmul__(self, factor: float) -> LinearOperator:
        return Scaled(float(factor), self) if isinstance(factor, (int, float)) else NotImplemented

    def __neg__(self) -> LinearOperator:
        return Scaled(-1.0, self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.domain_shape} -> {self.range_shape})"

    def norm(self, *, tolerance: float = 1e-6, max_iter: int = 1000, seed: int = 0) -> float:
        """Estimate the largest singular value by power iteration on ``A.T @ A``, from below, in float64.

        Parameters
        ----------
        tolerance : float
            Stop when the estimate changes by less than this fraction.
        max_iter : int
            Largest number of iterations.
        seed : int
            Seed of the random start.

        Returns
        -------
        float
            The operator norm.
        """
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(self.domain_shape, dtype=torch.float64, generator=generator)
        largest = 0.0
        with torch.no_grad():
            for _ in range(max_iter):
                x = self._adjoint(self._forward(x / torch.linalg.vector_norm(x)))
                previous, largest = largest, math.sqrt(float(torch.linalg.vector_norm(x)))
                if abs(largest - previous) <= tolerance * largest:
                    break
        return largest

    def to_matrix(self, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        """Write the operator out as a dense matrix that acts on raveled arrays; for small shapes.

        Parameters
        ----------
        dtype : torch.dtype
            float32 or float64.

        Returns
        -------
        torch.Tensor
            Shape ``(prod(range_shape), prod(domain_shape))``.

        Raises
        ------
        ValueError
            If the matrix would hold more than 2**27 entries.
        """
        columns, rows = math.prod(self.domain_shape), math.prod(self.range_shape)
        if rows * columns > _LARGEST_MATRIX:
            raise ValueError(f"to_matrix is for small shapes: {rows} x {columns} entries are more than 2**27")
        basis = torch.eye(columns, dtype=dtype).reshape(columns, *self.domain_shape)
        return self._forward(basis).reshape(columns, rows).T

    def as_scipy(self) -> scipy.sparse.linalg.LinearOperator:
        """Return the operator as a `scipy.sparse.linalg.LinearOperator` on raveled float64 vectors.

        Examples
        --------
        >>> from deblur.operators import Differences
        >>> Differences((3,), boundary="replicate").as_scipy() @ [0.0, 1.0, 4.0]
        array([1., 3., 0.])
        """
        import scipy.sparse.linalg

        def matvec(x: Any) -> Any:
            return self(x.reshape(self.domain_shape).astype("float64")).ravel()

        def rmatvec(y: Any) -> Any:
            return self.T(y.reshape(self.range_shape).astype("float64")).ravel()

        size = (math.prod(self.range_shape), math.prod(self.domain_shape))
        return scipy.sparse.linalg.LinearOperator(size, matvec=matvec, rmatvec=rmatvec, dtype="float64")


class Adjoint(LinearOperator):
    """The adjoint of an operator, as an operator."""

    def __init__(self, operator: LinearOperator) -> None:
        super().__init__(operator.range_shape, operator.domain_shape)
        self._operator = operator

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._operator._adjoint(x)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return self._operator._forward(y)

    @property
    def T(self) -> LinearOperator:
        return self._operator

    def __repr__(self) -> str:
        return f"{self._operator!r}.T"


class Identity(LinearOperator):
    """The identity on arrays of a shape.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the domain and of the range.

    Raises
    ------
    ValueError
        If a size is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import Identity
    >>> (Identity(3) + Identity(3))(np.arange(3.0))
    array([0., 2., 4.])
    """

    def __init__(self, shape: int | Sequence[int]) -> None:
        super().__init__(as_shape(shape), as_shape(shape))

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return y.clone()


class Composition(LinearOperator):
    """``outer @ inner``: apply `inner`, then `outer`."""

    def __init__(self, outer: LinearOperator, inner: LinearOperator) -> None:
        if outer.domain_shape != inner.range_shape:
            raise ValueError(f"{outer!r} cannot follow {inner!r}: {inner.range_shape} is not {outer.domain_shape}")
        super().__init__(inner.domain_shape, outer.range_shape)
        self._outer, self._inner = outer, inner

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._outer._forward(self._inner._forward(x))

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return self._inner._adjoint(self._outer._adjoint(y))


class Sum(LinearOperator):
    """``left + right``, on the same shapes."""

    def __init__(self, left: LinearOperator, right: LinearOperator) -> None:
        if (left.domain_shape, left.range_shape) != (right.domain_shape, right.range_shape):
            raise ValueError(f"only operators of the same shapes add up, got {left!r} and {right!r}")
        super().__init__(left.domain_shape, left.range_shape)
        self._left, self._right = left, right

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._left._forward(x) + self._right._forward(x)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return self._left._adjoint(y) + self._right._adjoint(y)


class Scaled(LinearOperator):
    """``factor * operator``."""

    def __init__(self, factor: float, operator: LinearOperator) -> None:
        super().__init__(operator.domain_shape, operator.range_shape)
        self._factor, self._operator = factor, operator

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._factor * self._operator._forward(x)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return self._factor * self._operator._adjoint(y)


class Stack(LinearOperator):
    """Operators of the same shapes, one above the other: ``x -> [A1 x, A2 x, ...]`` along a new leading axis.

    Parameters
    ----------
    operators : iterable of LinearOperator
        At least one; all with the same `domain_shape` and the same `range_shape`.

    Raises
    ------
    ValueError
        If there is no operator, or two differ in a shape.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import Crop, Stack
    >>> Stack([Crop((4,), (2,), start=0), Crop((4,), (2,), start=2)])(np.arange(4.0))
    array([[0., 1.],
           [2., 3.]])
    """

    def __init__(self, operators: Iterable[LinearOperator]) -> None:
        self._operators = tuple(operators)
        shapes = {(operator.domain_shape, operator.range_shape) for operator in self._operators}
        if len(shapes) != 1:
            raise ValueError(f"Stack takes operators of one domain and range shape, got {list(self._operators)}")
        domain_shape, range_shape = shapes.pop()
        super().__init__(domain_shape, (len(self._operators), *range_shape))

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        axis = -len(self.range_shape)
        return torch.stack([operator._forward(x) for operator in self._operators], dim=axis)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        parts = y.unbind(-len(self.range_shape))
        total = self._operators[0]._adjoint(parts[0])
        for operator, part in zip(self._operators[1:], parts[1:], strict=True):
            total = total + operator._adjoint(part)
        return total
