"""The adjoint test, and the difference between an adjoint and an inverse."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from deblur._core.arrays import as_float_tensor

from ._linear import LinearOperator


class AdjointError(AssertionError):
    """Raised by `check_adjoint`: ``A.T`` is not the adjoint of ``A``.

    Examples
    --------
    >>> import torch
    >>> from deblur.operators import AdjointError, LinearOperator, check_adjoint
    >>> class Wrong(LinearOperator):
    ...     def _forward(self, x):
    ...         return x.cumsum(-1)
    ...
    ...     _adjoint = _forward
    >>> try:
    ...     check_adjoint(Wrong((8,), (8,)))
    ... except AdjointError:
    ...     print("the transpose of a running sum runs backwards")
    the transpose of a running sum runs backwards
    """


def adjoint_error(
    operator: LinearOperator, *, dtype: torch.dtype = torch.float64, draws: int = 3, seed: int = 0
) -> float:
    r"""Measure how far ``operator.T`` is from the adjoint, by the dot-product test.

    The value is :math:`|\langle Ax, y\rangle - \langle x, A^T y\rangle| / (\|Ax\| \|y\|)`, the worst over random
    draws of x and y; inner products are accumulated in float64, so that the test's own rounding does not count.

    Parameters
    ----------
    operator : LinearOperator
        Anything with `domain_shape`, `range_shape`, a call and `T`.
    dtype : torch.dtype
        Precision that the operator computes in.
    draws : int
        Number of random pairs.
    seed : int
        Seed of the draws.

    Returns
    -------
    float
        About 1e-16 for an exact adjoint in float64, about 1e-7 in float32; of order one if it is wrong, and NaN if
        the operator gives NaN.

    Raises
    ------
    Exception
        Whatever the operator itself raises.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import Convolution, adjoint_error
    >>> adjoint_error(Convolution(np.ones((4, 4)), (16, 16), boundary="reflect")) < 1e-12
    True
    """
    generator = torch.Generator().manual_seed(seed)
    errors = []
    with torch.no_grad():
        for _ in range(draws):
            x = torch.randn(operator.domain_shape, generator=generator, dtype=dtype)
            y = torch.randn(operator.range_shape, generator=generator, dtype=dtype)
            forward, backward = operator(x).double(), operator.T(y).double()
            difference = ((forward * y).sum() - (x * backward).sum()).abs()
            scale = torch.linalg.vector_norm(forward) * torch.linalg.vector_norm(y.double())
            errors.append(difference / scale if scale else difference)
    return float(torch.stack(errors).max())  # Python's max would lose a NaN


def check_adjoint(operator: LinearOperator, *, dtype: torch.dtype = torch.float64, seed: int = 0) -> None:
    """Raise `AdjointError` unless ``operator.T`` is the adjoint to rounding.

    Parameters
    ----------
    operator : LinearOperator
        Operator to test.
    dtype : torch.dtype
        float64 (the bar is 1e-12) or float32 (1e-5).
    seed : int
        Seed of the random draws.

    Raises
    ------
    AdjointError
        If `adjoint_error` is above the bar.

    Examples
    --------
    >>> from deblur.operators import Upsample, check_adjoint
    >>> check_adjoint(Upsample((5, 7), 3, mode="linear"))
    """
    bar = 1e-12 if dtype is torch.float64 else 1e-5
    error = adjoint_error(operator, dtype=dtype, seed=seed)
    if not error <= bar:
        raise AdjointError(f"{operator!r}: <Ax, y> and <x, A.T y> differ by {error:.1e}, more than {bar:.0e}")


class AdjointVersusInverse(NamedTuple):
    """Results of `adjoint_versus_inverse`.

    Attributes
    ----------
    adjoint, inverse : array
        ``A.T y`` and the least-squares solution of ``A x = y``, of shape `domain_shape`.
    adjoint_residual, inverse_residual : float
        ``|A z - y| / |y|`` for each.
    adjoint_error, inverse_error : float or None
        ``|z - x| / |x|`` for each, if `truth` was passed.
    """

    adjoint: Any
    inverse: Any
    adjoint_residual: float
    inverse_residual: float
    adjoint_error: float | None
    inverse_error: float | None


def adjoint_versus_inverse(
    operator: LinearOperator,
    y: Any,
    *,
    truth: Any = None,
    tolerance: float = 1e-10,
    max_iter: int | None = None,
) -> AdjointVersusInverse:
    """Contrast ``A.T y`` with the least-squares inverse of A on the same y: they are different things.

    The inverse is computed by LSQR (Paige and Saunders, 1982) through SciPy, which converges to the solution of
    least norm.

    Parameters
    ----------
    operator : LinearOperator
        The map A.
    y : numpy.ndarray or torch.Tensor
        Data of shape `range_shape`.
    truth : numpy.ndarray or torch.Tensor, optional
        The x with ``A x = y``, of shape `domain_shape`, to score both against.
    tolerance : float
        LSQR's stopping tolerance.
    max_iter : int, optional
        LSQR's largest number of iterations; twice the number of unknowns if None.

    Returns
    -------
    AdjointVersusInverse
        Both results, their residuals, and their errors if `truth` was passed.

    Raises
    ------
    TypeError
        If `y` or `truth` is neither a NumPy array nor a torch tensor.
    ValueError
        If `y` has not the shape `range_shape`, or `truth` not the shape `domain_shape`.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import Convolution, adjoint_versus_inverse
    >>> blur = Convolution(np.array([0.1, 0.6, 0.3]), (32,), boundary="circular")
    >>> x = np.random.default_rng(0).random(32)
    >>> both = adjoint_versus_inverse(blur, blur(x), truth=x)
    >>> both.inverse_error < 1e-6 < 0.1 < both.adjoint_error
    True
    """
    import scipy.sparse.linalg

    tensor, to_input_kind = as_float_tensor(y, "y")
    data = tensor.detach().cpu().double()
    adjoint = operator.T(data)
    solution = scipy.sparse.linalg.lsqr(
        operator.as_scipy(), data.numpy().ravel(), atol=tolerance, btol=tolerance, conlim=0, iter_lim=max_iter
    )[0]
    inverse = torch.from_numpy(solution).reshape(operator.domain_shape)

    def ratio(difference: torch.Tensor, reference: torch.Tensor) -> float:
        return float(torch.linalg.vector_norm(difference) / torch.linalg.vector_norm(reference))

    errors: list[float | None] = [None, None]
    if truth is not None:
        true = as_float_tensor(truth, "truth")[0].detach().cpu().double()
        if true.shape != adjoint.shape:
            raise ValueError(f"truth must have the shape {tuple(adjoint.shape)}, got {tuple(true.shape)}")
        errors = [ratio(adjoint - true, true), ratio(inverse - true, true)]
    return AdjointVersusInverse(
        to_input_kind(adjoint.to(tensor)),
        to_input_kind(inverse.to(tensor)),
        ratio(operator(adjoint) - data, data),
        ratio(operator(inverse) - data, data),
        *errors,
    )
