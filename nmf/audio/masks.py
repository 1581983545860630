"""Soft masks, and envelopes with decaying tails."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from nmf.arrays import Array, ArrayT, as_tensor, in_kind_of
from nmf.factors.masks import wiener


def alpha_wiener_filter(X: ArrayT, components: Array | Sequence[Array], alpha: float = 1.2) -> ArrayT:
    """Split a spectrogram in proportion to the components' magnitudes to the power `alpha`; the parts sum to X.

    Parameters
    ----------
    X : numpy.ndarray or torch.Tensor
        Complex or real spectrogram, ``(..., F, T)``.
    components : numpy.ndarray, torch.Tensor, or sequence of them
        Magnitudes of each component, ``(..., R, F, T)``; a sequence is stacked.
    alpha : float
        Exponent, positive (Liutkus and Badeau, ICASSP 2015).

    Returns
    -------
    numpy.ndarray or torch.Tensor
        ``(..., R, F, T)``, the kind of X.

    Raises
    ------
    TypeError
        If X is neither a NumPy array nor a torch tensor.
    ValueError
        If the shapes do not fit, or `alpha` is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from nmf.audio import alpha_wiener_filter
    >>> alpha_wiener_filter(np.array([[4.0]]), [np.array([[1.0]]), np.array([[3.0]])], alpha=1).ravel()
    array([1., 3.])
    """
    if isinstance(components, Sequence):
        components = torch.stack([as_tensor(part, "components") for part in components], dim=-3)
    return wiener(X, as_tensor(components, "components"), 1, alpha)


def nema(H: ArrayT, decay: float = 0.9) -> ArrayT:
    """Let the peaks of time series decay exponentially: ``y[n] = max(x[n], decay y[n-1] + (1 - decay) x[n])``.

    The non-linear exponential moving average of Dittmar, López-Serrano and Müller (ICASSP 2018, eq. 3).

    Parameters
    ----------
    H : numpy.ndarray or torch.Tensor
        Time along the last axis.
    decay : float
        From 0, which has no effect, to below 1.

    Raises
    ------
    ValueError
        If `decay` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from nmf.audio import nema
    >>> nema(np.array([[0.0, 1.0, 0.0, 0.0]]), 0.5)
    array([[0.  , 1.  , 0.5 , 0.25]])
    """
    if not 0 <= decay < 1:
        raise ValueError(f"decay must be at least 0 and below 1, got {decay}")
    columns = list(as_tensor(H, "H").unbind(-1))
    for n in range(1, len(columns)):
        columns[n] = torch.maximum(columns[n], decay * columns[n - 1] + (1 - decay) * columns[n])
    return in_kind_of(H, torch.stack(columns, dim=-1))
