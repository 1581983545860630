"""Stopping, best iterates, and agreement with scikit-learn."""

import numpy as np
import pytest
import scipy.optimize
import torch

import nmf
from nmf.fit.hals import Hals
from nmf.fit.multiplicative import Multiplicative

from .cases import problem_for


@pytest.mark.parametrize(("beta", "loss"), [(2, "frobenius"), (1, "kullback-leibler"), (0, "itakura-saito")])
def test_multiplicative_updates_are_those_of_scikit_learn(beta, loss, rng):
    decomposition = pytest.importorskip("sklearn.decomposition", reason="the extra sklearn")
    V, W, H = rng.random((20, 30)) + 0.1, rng.random((20, 4)) + 0.1, rng.random((4, 30)) + 0.1
    # scikit-learn updates its W, our H, first: so the transposed problem.
    theirs = decomposition.NMF(4, solver="mu", beta_loss=loss, init="custom", max_iter=50, tol=0)
    A = theirs.fit_transform(V, W=W.copy(), H=H.copy())
    ours = nmf.NMF(W=W, H=H)
    ours.fit(V, beta, solver="mm", max_iter=50, tol=0)
    product = torch.from_numpy(A @ theirs.components_)
    expected = float(nmf.beta_divergence(torch.from_numpy(V), product, beta))
    found = float(nmf.beta_divergence(torch.from_numpy(V), ours().detach(), beta))
    assert found == pytest.approx(expected, rel=1e-6)


def test_coordinate_descent_reaches_scikit_learns(rng):
    decomposition = pytest.importorskip("sklearn.decomposition", reason="the extra sklearn")
    V, W, H = rng.random((20, 30)), rng.random((20, 4)), rng.random((4, 30))
    theirs = decomposition.NMF(4, init="custom", max_iter=500, tol=1e-10)
    A = theirs.fit_transform(V, W=W.copy(), H=H.copy())
    ours = nmf.NMF(W=W, H=H)
    ours.fit(V, 2, max_iter=500, tol=1e-9)
    found = float(nmf.beta_divergence(torch.from_numpy(V), ours().detach(), 2))
    assert found <= 1.01 * ((V - A @ theirs.components_) ** 2).sum() / 2


@pytest.mark.parametrize("beta", [-1, 0, 0.5, 1, 1.5, 2, 3])
def test_the_default_solver_is_faster_than_plain_steps_and_keeps_the_best_factors(beta, rng):
    V = torch.from_numpy((rng.random((30, 5)) @ rng.random((5, 50))) * rng.gamma(2.0, 0.5, (30, 50)) + 1e-2)
    ends = {}
    for solver in ("mm", "auto"):
        module = nmf.NMF(V.shape, 5, seed=0, dtype=torch.float64)
        result = module.fit(V, beta, solver=solver, max_iter=80, tol=0)
        assert (result.history.diff() <= 0).all()  # the history is that of the best iterate
        ends[solver] = float(result.history[-1])
        assert float(nmf.beta_divergence(V, module().detach(), beta)) == pytest.approx(ends[solver], rel=1e-9)
    assert ends["auto"] < ends["mm"]


def test_extrapolation_has_a_ceiling_that_is_lowered_where_the_objective_rose():
    module = nmf.NMF((2, 5, 6), 2, seed=0)
    W, H = module.W.detach(), module.H.detach()
    solver = Multiplicative(problem_for(torch.rand(2, 5, 6), W, H), None, extrapolate=True)
    steps = torch.stack([solver._advance() for _ in range(60)])
    assert (steps.diff(dim=0) >= 0).all()
    assert steps[0].tolist() == [0, 0]
    torch.testing.assert_close(steps[-1], torch.tensor([0.9, 0.9]))
    far = solver._extrapolated(torch.ones(2, 1), torch.tensor([[1e6], [1e-6]]), torch.ones(2))
    torch.testing.assert_close(far, torch.tensor([[0.5], [2.0]]))  # however much an entry changed
    solver.W = 2 * W
    solver.restart(torch.tensor([True, False]), W, H)
    assert torch.equal(solver.W, W * torch.tensor([1, 2])[:, None, None])
    steps = torch.stack([solver._advance() for _ in range(60)])
    torch.testing.assert_close(steps[0], torch.tensor([0.0, 0.9]))
    torch.testing.assert_close(steps[-1], torch.tensor([0.63, 0.9]))


def test_coordinate_descent_extrapolates_less_where_the_objective_rose():
    module = nmf.NMF((2, 5, 6), 2, seed=0, dtype=torch.float64)
    W, H = module.W.detach(), module.H.detach()
    V = torch.rand(2, 5, 6, dtype=torch.float64)
    solver = Hals(problem_for(V, W, H, beta=2))
    falling, rising = torch.tensor([-1.0, -1.0]), torch.tensor([-2.0, 5.0])
    steps = []
    for value in (falling, rising, falling - 2):
        solver._adapt(value.double())
        steps.append(torch.stack([solver._beta, solver._bound]))
    first, second, third = steps
    assert first.dtype == torch.float64
    torch.testing.assert_close(first, torch.tensor([[0.525, 0.525], [1, 1]]).double())
    torch.testing.assert_close(second, torch.tensor([[0.55125, 0.35], [1, 0.525]]).double())
    torch.testing.assert_close(third, torch.tensor([[0.5788125, 0.3675], [1, 0.53025]]).double())


@pytest.mark.parametrize("penalty", [{"l1_H": 0.3, "l2_W": 0.2}, {"l2_H": 0.3, "l1_W": 0.2}])
def test_coordinate_descent_penalizes_each_problem_in_its_own_unit(penalty, rng):
    V, W, H = rng.random((2, 9, 14)), rng.random((2, 9, 3)), rng.random((2, 3, 14))
    V[1] *= 50
    together = nmf.NMF(W=W, H=H, dtype=torch.float64)
    together.fit(V, 2, solver="hals", max_iter=20, tol=0, **penalty)
    for each in range(2):
        alone = nmf.NMF(W=W[each], H=H[each], dtype=torch.float64)
        alone.fit(V[each], 2, solver="hals", max_iter=20, tol=0, **penalty)
        torch.testing.assert_close(together()[each], alone(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("share_W", [False, True])
def test_coordinate_descent_with_fixed_activations_solves_least_squares(share_W, rng):
    V, H = rng.random((2, 9, 14)), rng.random((2, 3, 14))
    module = nmf.NMF(V.shape, 3, H=H, trainable_H=False, share_W=share_W, seed=0, dtype=torch.float64)
    module.fit(V, 2, solver="hals", max_iter=500, tol=0)

    def solved(V, H):
        return np.array([scipy.optimize.nnls(H.T, row)[0] for row in V])

    expected = (
        solved(np.hstack(V), np.hstack(H)) if share_W else np.stack([solved(*pair) for pair in zip(V, H, strict=True)])
    )
    np.testing.assert_allclose(module.W.detach(), expected, atol=1e-8)


def test_stops_on_the_penalized_objective():
    """Rules on the divergence alone stop while the penalty still falls."""
    V = torch.rand(20, 30, dtype=torch.float64)
    module = nmf.NMF(V.shape, 3, seed=0, dtype=torch.float64)
    result = module.fit(V, 1, solver="mm", l1_H=5.0, l1_W=5.0, tol=1e-6, max_iter=5000)
    assert result.converged
    penalized = nmf.beta_divergence(V, module().detach()) + 5 * (module.W.sum() + module.H.sum()).detach()
    assert float(result.history[-1]) == pytest.approx(float(penalized), rel=1e-9)
    more = nmf.NMF(W=module.W.detach(), H=module.H.detach()).fit(V, 1, l1_H=5.0, l1_W=5.0, tol=0, max_iter=1000)
    assert float(more.history[0] - more.history[-1]) < 1e-3 * float(more.history[0])


def test_callback_tolerance_and_history():
    V = torch.rand(10, 12)
    seen = []
    module = nmf.NMF(V.shape, 3, seed=0)
    result = module.fit(
        V, callback=lambda i, factors, value: seen.append((i, value)) or len(seen) == 3, tol=0, check_every=4
    )
    assert [i for i, _ in seen] == [4, 8, 12]
    assert result.n_iter == 12
    assert len(result.history) == 4
    assert 0 < result.seconds < 60
    assert seen[-1][1] == pytest.approx(float(result.history[-1]), rel=1e-6)
    assert not result.converged
    assert nmf.NMF(V.shape, 3, seed=0).fit(V, tol=0.5).converged


@pytest.mark.parametrize("gamma", ["mm", "heuristic", 0.3])
def test_gamma_is_the_exponent(gamma):
    V, W, H = (torch.rand(s, dtype=torch.float64) + 0.1 for s in ((5, 6), (5, 2), (2, 6)))
    module = nmf.NMF(W=W, H=H, trainable_W=False)
    module.fit(V, 0, solver="mm", gamma=gamma, max_iter=1)
    power = {"mm": 0.5, "heuristic": 1.0}.get(gamma, gamma)
    product = W @ H
    expected = H * ((W.T @ (V / product**2)) / (W.T @ (1 / product))) ** power
    if nmf.beta_divergence(V, W @ expected, 0) < nmf.beta_divergence(V, product, 0):
        torch.testing.assert_close(module.H.detach(), expected)
    else:
        torch.testing.assert_close(module.H.detach(), H)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": "newton"}, "solver must be one of"),
        ({"solver": "hals", "beta": 1}, "not for beta=1"),
        ({"solver": "hals", "beta": 2, "smooth_H": 1.0}, "not for smooth_H"),
        ({"gamma": "fast"}, "gamma must be"),
        ({"gamma": -1.0}, "gamma must be"),
        ({"max_iter": 0}, "max_iter must be at least 1"),
        ({"check_every": 0}, "check_every must be at least 1"),
        ({"tol": -1}, "tol must be finite"),
        ({"l1_H": float("nan")}, "l1_H must be finite"),
        ({"freeze_W": [True]}, "freeze_W must be 3 booleans"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        nmf.NMF((5, 6), 3).fit(np.ones((5, 6)), **options)
