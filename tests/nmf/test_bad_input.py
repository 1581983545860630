"""One clear error, or a right result."""

import re

import numpy as np
import pytest
import torch

import nmf

V = np.ones((5, 6))


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (-V, ValueError, "V must not be negative"),
        (np.where(np.eye(5, 6) > 0, np.nan, V), ValueError, "5 values that are NaN or infinite"),
        (np.where(np.eye(5, 6) > 0, np.inf, V), ValueError, "5 values that are NaN or infinite"),
        (V[0], ValueError, "V must have the shape given at construction"),
        (V[:, :4], ValueError, "V must have the shape given at construction"),
        (V[None], ValueError, "V must have the shape given at construction"),
        (V[:0], ValueError, "V is empty"),
        (V * 1j, TypeError, "V must be real"),
        (torch.ones(5, 6, dtype=torch.complex64), TypeError, "take the magnitude"),
        (V.tolist(), TypeError, "NumPy array or a torch tensor"),
        (np.array([["a"]]), TypeError, "real numbers"),
        (np.ones((5, 6, 1, 1)), ValueError, "V must have the shape given at construction"),
        (torch.ones(5, 6, device="meta"), ValueError, "V is on meta and the module on cpu"),
    ],
)
@pytest.mark.parametrize("kind", [nmf.NMF, nmf.NMFD])
def test_bad_data(kind, data, error, message):
    with pytest.raises(error, match=message):
        kind((5, 6), 2).fit(data)


@pytest.mark.parametrize(
    ("beta", "error"), [("kl", TypeError), (None, TypeError), (np.nan, ValueError), (np.inf, ValueError)]
)
def test_bad_beta(beta, error):
    for data in (torch.ones(5, 6), torch.ones(5, 6).to_sparse()):
        with pytest.raises(error, match="beta must be"):
            nmf.NMF((5, 6), 2).fit(data, beta)


def test_only_matrices_may_be_sparse():
    for module in (nmf.NMFD((5, 6), 2, 3), nmf.PLCA((5, 6), 2)):
        with pytest.raises(TypeError, match="V must be dense"):
            module.fit(torch.eye(5, 6).to_sparse())


@pytest.mark.parametrize("beta", [0, -1])
def test_zeros_with_infinite_divergence_say_what_to_do(beta):
    data = V.copy()
    data[0, 0] = 0
    with pytest.raises(ValueError, match=r"mask=V > 0.*add a small number.*beta > 0"):
        nmf.NMF((5, 6), 2).fit(data, beta)
    module = nmf.NMF((5, 6), 2, seed=0)
    module.fit(data, beta, mask=data > 0)
    assert torch.isfinite(module()).all()
    with pytest.raises(ValueError, match="V has zeros"):
        nmf.NMF((5, 6), 2).fit(torch.eye(5, 6).to_sparse(), beta)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask": np.ones((4, 6))}, "mask must have the shape of V"),
        ({"weights": -V}, "weights must not be negative"),
        ({"weights": np.full((5, 6), np.nan)}, "NaN or infinite"),
        ({"mask": np.zeros((5, 6), bool)}, "leave no entry"),
    ],
)
def test_bad_weights(options, message):
    with pytest.raises(ValueError, match=message):
        nmf.NMF((5, 6), 2).fit(V, **options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": (5, 6), "rank": 0}, "rank must be at least 1"),
        ({"shape": (5, 6)}, "give the rank"),
        ({"rank": 2}, "give the shape of V"),
        ({"shape": (5,), "rank": 2}, "shape must be that of V"),
        ({"shape": (5, 0), "rank": 2}, "shape must be that of V"),
        ({"shape": (5, 6), "rank": 2, "W": np.ones((4, 2))}, "W must have shape"),
        ({"shape": (5, 6), "rank": 2, "W": -np.ones((5, 2))}, "W must not be negative"),
        ({"W": np.ones((5, 2)), "H": np.ones((3, 6))}, "the same rank"),
        ({"W": np.ones(5), "H": np.ones((3, 6))}, "at least 2 axes"),
    ],
)
def test_bad_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        nmf.NMF(**arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rank": 2.5}, "rank must be an integer"),
        ({"rank": 2, "dtype": torch.int32}, "dtype must be of floating-point"),
    ],
)
def test_bad_types(options, message):
    with pytest.raises(TypeError, match=message):
        nmf.NMF((5, 6), **options)


def test_bad_convolutions():
    with pytest.raises(ValueError, match="boundary must be one of"):
        nmf.NMFD((5, 6), 2, 3, boundary="reflect")
    with pytest.raises(ValueError, match="must have 2 sizes, one per axis"):
        nmf.NMF2D((1, 5, 6), 2, (2, 2, 2))
    with pytest.raises(ValueError, match="a size of at least 1"):
        nmf.NMFD((5, 6), 2, 0)


def test_odd_but_right():
    wide = nmf.NMF((3, 4), 10, seed=0)  # more components than rows: an exact fit
    data = torch.rand(3, 4, dtype=torch.float64)
    wide.fit(data, max_iter=2000, tol=1e-12)
    torch.testing.assert_close(wide(), data, rtol=1e-2, atol=1e-2)
    single = nmf.NMF((1, 1), 1, seed=0)
    single.fit(np.array([[3.0]]))
    assert float(single().detach()) == pytest.approx(3)
    with pytest.raises(ValueError, match="both factors are frozen"):
        nmf.NMF((5, 6), 2, trainable_W=False, trainable_H=False).fit(V)
    module = nmf.NMF((5, 6), 2)
    with pytest.raises(ValueError, match="shape of the model"):
        module.separate(np.ones((4, 6)))
    with pytest.raises(ValueError, match="alpha must be positive"):
        module.separate(V, alpha=0)
    before = V.copy()
    module.fit(V)
    np.testing.assert_array_equal(V, before)


@pytest.mark.parametrize(
    ("kind", "axes"), [(nmf.NMF, "F, T"), (nmf.NMFD, "F, T"), (nmf.NMF2D, "C, M, N"), (nmf.NMF3D, "C, L, M, N")]
)
def test_the_axes_that_are_missing_are_named(kind, axes):
    shape = (5,) * axes.count(",")
    with pytest.raises(ValueError, match=re.escape(f"shape must be that of V, (..., {axes}), got {shape}")):
        kind(shape, 2)
