"""The multiplicative step: monotone, independent of the unit of V, and the same for every model."""

import numpy as np
import pytest
import torch

import nmf
from deblur.nonblind import richardson_lucy
from deblur.operators import Convolution, ConvolutionBank, adjoint_error
from nmf.data.dense import DenseData, smallest_product
from nmf.fit.problem import majorizer_step
from nmf.maps import matrix
from nmf.maps.convolutive import ConvolutiveModel
from nmf.maps.geometry import Geometry
from nmf.maps.matrix import MatrixModel
from nmf.objective.penalties import Penalties, Penalty, Slope, divergence_slope

from .cases import BETAS, MODELS, data_for, problem_for

PENALTIES = {"l1": 0.1, "l2": 0.2, "smooth": 0.3, "orthogonal": 0.1}


def module_problem(module, V, beta, weights=None, penalties=None):
    W, H = module.W.detach(), module.H.detach()
    return problem_for(V, W, H, module.geometry, beta=beta, weights=weights, penalties=penalties), W, H


@pytest.mark.parametrize("setting", ["plain", "masked", "penalized", "one-penalty"])
@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("name", MODELS)
def test_every_half_update_lowers_the_objective(name, beta, setting):
    module = MODELS[name]()
    V = data_for(module)
    weights = (
        torch.from_numpy(np.random.default_rng(1).choice([0.0, 0.5, 2.0], V.shape)) if setting == "masked" else None
    )
    penalties = {
        "penalized": Penalties(
            Penalty(**{name: PENALTIES[name] for name in ("l1", "l2", "orthogonal")}),
            Penalty(**{name: PENALTIES[name] for name in ("l1", "l2", "smooth")}),
        ),
        "one-penalty": Penalties(H=Penalty(l2=0.5)),
    }
    problem, W, H = module_problem(module, V, beta, weights, penalties.get(setting))
    value = problem.objective(W, H)
    for _ in range(12):
        for update in ("W", "H"):
            if update == "W":
                W = problem.updated_W(W, H, None)
            else:
                H = problem.updated_H(W, H, None)
            new = problem.objective(W, H)
            assert (new <= value * (1 + (1e-9 if beta < 3 else 1e-6))).all()
            value = new
    assert torch.isfinite(value).all()


@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 5), (2, 3, 4, 5), (2, 3, 1)])
@pytest.mark.parametrize("name", PENALTIES)
def test_the_slope_of_a_penalty_is_its_gradient(name, shape, rng):
    """So the step has its fixed points where the penalized objective has; with a weight for each problem too."""
    x = torch.from_numpy(rng.random(shape)).requires_grad_()
    axes, component = (0, 0) if len(shape) == 2 else (1, 1)
    weight = PENALTIES[name] if axes == 0 else torch.tensor([0.0, 0.7])
    penalty = Penalty(**{name: weight})
    (gradient,) = torch.autograd.grad(penalty.value(x, axes, component).sum(), x)
    zero = torch.zeros_like(x)
    slope = penalty.add_to(Slope(zero, zero, -1.0, 0.0), x.detach(), component)
    torch.testing.assert_close((slope.up - slope.down).expand_as(x), gradient)
    assert (slope.low, slope.high) == (-1.0, 0.0 if name == "l1" else 1.0)


def test_the_values_of_the_penalties(rng):
    x = rng.random((2, 3, 5))
    expected = {
        "l1": x.sum((1, 2)),
        "l2": (x**2).sum((1, 2)) / 2,
        "smooth": (np.diff(x, axis=2) ** 2).sum((1, 2)) / 2,
        "orthogonal": sum(x[:, r] * x[:, s] for r in range(3) for s in range(3) if r != s).sum(1) / 2,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(Penalty(**{name: 0.3}).value(torch.from_numpy(x), 1, 1), 0.3 * value)
        in_other_units = Penalty(**{name: 0.3}).scaled(lambda power: torch.tensor(8.0**-power))
        np.testing.assert_allclose(in_other_units.value(8 * torch.from_numpy(x), 1, 1), 0.3 * value)
    assert not Penalty(l1=torch.zeros(2))
    assert Penalty(l1=torch.tensor([0.0, 1.0]))


@pytest.mark.parametrize("beta", [*BETAS, 6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_powers_of_the_smallest_product_are_numbers(dtype, beta):
    p = torch.tensor(smallest_product(dtype, beta), dtype=dtype)
    for power in (beta - 2, beta - 1, beta):
        assert torch.isfinite(p.pow(power))
    assert smallest_product(torch.float32, 2) == pytest.approx(1e-30)


@pytest.mark.parametrize("beta", BETAS)
def test_entries_on_which_the_data_do_not_depend_stay(beta):
    x, zero = torch.rand(3, 4), torch.zeros(3, 4)
    torch.testing.assert_close(majorizer_step(divergence_slope(zero, zero, beta), x, None), x)


class Twice:
    """A stand-in for a group of two processes with the same columns."""

    def sum(self, x):
        return 2 * x


@pytest.mark.parametrize("beta", [0, 1, 2])
def test_sums_over_processes_are_those_of_one(beta):
    V, W, H = torch.rand(6, 8).double() + 0.1, torch.rand(6, 2).double(), torch.rand(2, 8).double()
    penalties = Penalties(Penalty(l1=0.1), Penalty(l2=0.2))
    part = problem_for(V, W, H, beta=beta, penalties=penalties, shards=Twice())
    VV, HH = torch.cat([V, V], 1), torch.cat([H, H], 1)
    whole = problem_for(VV, W, HH, beta=beta, penalties=penalties)
    torch.testing.assert_close(part.objective(W, H), whole.objective(W, HH))
    torch.testing.assert_close(part.updated_W(W, H, None), whole.updated_W(W, HH, None))
    torch.testing.assert_close(part.updated_H(W, H, None), whole.updated_H(W, HH, None)[:, :8])


@pytest.mark.parametrize("method", ["auto", "fft"])
@pytest.mark.parametrize("name", MODELS)
def test_the_maps_of_the_factors_are_adjoint_and_agree(name, method):
    module = MODELS[name]()
    W, H = module.W.detach(), module.H.detach()
    model = module.geometry.model(W, H)
    if method != "auto":
        if not module.geometry.kernel_axes or module.boundary == "extend":
            pytest.skip("a matrix product, or a convolution under another name")
        model = ConvolutiveModel(torch.rand_like(W), H, module.geometry.kernel_axes, module.boundary, method)
        torch.testing.assert_close(model.of_H(W)(H), module())
    of_W, of_H = model.of_W(H), model.of_H(W)
    torch.testing.assert_close(of_W(W), of_H(H))
    assert adjoint_error(of_W) <= 1e-12
    assert adjoint_error(of_H) <= 1e-12
    ones = torch.ones_like(of_H(H))
    for A, x in ((of_W, W), (of_H, H)):
        torch.testing.assert_close(A.sensitivity().expand_as(x), A.T(ones))
        torch.testing.assert_close(A.normal(x), A.T(A(x)))


@pytest.mark.parametrize("beta", [0, 0.5, 1, 2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["matrix", "batch", "convolution"])
def test_tiles_change_nothing(kind, weighted, beta, monkeypatch):
    lead = (2,) if kind == "batch" else ()
    V, H = torch.rand(*lead, 300, 40) + 0.1, torch.rand(*lead, 3, 40)
    weights = torch.rand(V.shape) if weighted else None
    W = torch.rand(*lead, 300, 3, *((5,) if kind == "convolution" else ()))
    results = []
    for tile in (1, 2**30):
        monkeypatch.setattr(matrix, "_TILE_OF_ONE_THREAD", tile)
        monkeypatch.setattr(matrix, "_TILE_OF_THREADS", tile)
        data = DenseData(V, weights, beta, len(lead))
        model = ConvolutiveModel(W, H, 1, "causal", "gemm") if kind == "convolution" else MatrixModel(W, H)
        assert len(list(model.of_H(W).tiles(H))) == (5 if tile == 1 else 1)
        slopes = [data.slope(model.of_H(W), H), data.slope(model.of_W(H), W)]
        results.append([t for s in slopes for t in (s.down, s.up)] + [data.divergence(model.of_H(W), H)])
    torch.testing.assert_close(results[0], results[1], rtol=1e-5, atol=1e-5)


def brute_force(W, H, boundary):
    F, R, K = W.shape
    before = {"causal": 0, "full": 0, "extend": K - 1}[boundary]
    T = H.shape[1] + {"causal": 0, "full": K - 1, "extend": 1 - K}[boundary]
    V = np.zeros((F, T))
    for r in range(R):
        for k in range(K):
            for t in range(T):
                if 0 <= t + before - k < H.shape[1]:
                    V[:, t] += W[:, r, k] * H[r, t + before - k]
    return V


@pytest.mark.parametrize("boundary", ["causal", "full", "extend"])
def test_nmfd_is_the_sum_of_shifts(boundary):
    module = nmf.NMFD((5, 12), 2, 4, boundary=boundary, seed=0, dtype=torch.float64)
    expected = brute_force(module.W.detach().numpy(), module.H.detach().numpy(), boundary)
    np.testing.assert_allclose(module().detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("beta", [0, 1, 2, 3])
@pytest.mark.parametrize("boundary", ["causal", "full", "valid"])
@pytest.mark.parametrize("lead", [(), (2,)])
def test_every_backend_takes_the_same_step(boundary, beta, lead, rng):
    W, H = (torch.from_numpy(rng.random((*lead, *shape)) + 0.1) for shape in ((5, 2, 4), (2, 12)))
    steps = {}
    for method in ConvolutionBank.methods:
        model = ConvolutiveModel(W, H, 1, boundary, method=method)
        shape = model.of_H(W)(H).shape
        V = torch.from_numpy(np.random.default_rng(1).random(shape) + 0.1)
        problem = problem_for(V, W, H, Geometry(1), beta=beta, model=model)
        steps[method] = problem.updated_W(W, H, None), problem.updated_H(W, H, None), problem.objective(W, H)
    for method in ConvolutionBank.methods:
        torch.testing.assert_close(steps[method], steps["direct"])


def test_the_update_of_H_is_richardson_lucy(rng):
    """With the kernel fixed they are one function, for every operator."""
    psf, scene = np.outer([1, 2, 1], [1, 3, 1]) / 20, rng.random((12, 15)) + 0.1
    A = Convolution(psf, scene.shape, "circular")
    y = torch.from_numpy(A(scene))
    x = torch.full(scene.shape, float(y.mean()), dtype=torch.float64)
    ones = torch.ones_like(x)
    for _ in range(10):
        seen = A.T(ones)
        margin = 1e-3 * float(seen.max())  # the damping of the restoration, whose steps are a little shorter
        ratio = (A.T(y / A(x)) + margin) / (seen + margin)
        x = x * ratio
    restored = richardson_lucy(
        y, torch.from_numpy(psf), num_iter=10, noise_level=0, boundary="circular", accelerate=False, tolerance=0
    )
    torch.testing.assert_close(restored, x, rtol=1e-6, atol=1e-9)

    kernel = torch.from_numpy(psf)[None, None]
    model = ConvolutiveModel(kernel, x[None], 2, "circular")
    step = majorizer_step(DenseData(y[None], None, 1, 0).slope(model.of_H(kernel), x[None]), x[None], None)
    torch.testing.assert_close(step[0], x * A.T(y / A(x)) / A.T(ones))


def test_joint_update_beats_averaged_ratios(rng):
    """The ratio of sums is monotone; the mean of the ratios of the frames, which other packages take, ends higher."""
    V = torch.from_numpy(rng.gamma(0.5, 1.0, (12, 60)) + 1e-3)
    module = nmf.NMFD(V.shape, 3, 6, seed=0, dtype=torch.float64)
    problem, W, H = module_problem(module, V, 1)
    averaged_W, averaged_H = W, H
    for _ in range(100):
        W = problem.updated_W(W, H, None)
        H = problem.updated_H(W, H, None)
        averaged_W = problem.updated_W(averaged_W, averaged_H, None)
        Q = V / problem.model.of_H(averaged_W)(averaged_H)
        ratios = [
            (averaged_W[:, :, k].T @ torch.nn.functional.pad(Q, (0, k))[:, k:]) / averaged_W[:, :, k].sum(0)[:, None]
            for k in range(6)
        ]
        averaged_H = averaged_H * torch.stack(ratios).mean(0)
    assert problem.objective(W, H) < problem.objective(averaged_W, averaged_H)


@pytest.mark.parametrize("name", ["nmf", "nmfd-causal"])
@pytest.mark.parametrize("beta", BETAS)
def test_the_unit_of_V_does_not_matter(name, beta):
    """torchnmf gives an error of 45 for V times 1e-6, and NaN for 1e-8."""
    V = data_for(MODELS[name]()).float()
    results = []
    for scale in (1.0, 1e-8, 1e-4, 1e4, 1e8):
        module = MODELS[name]().float()
        module.fit(V * scale, beta, solver="mm", max_iter=30, tol=0)
        results.append((module().detach() / scale).double())
    for product in results[1:]:
        torch.testing.assert_close(product, results[0], rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("beta", [0.5, 1, 1.5, 2, 3])
def test_zeros_anywhere_keep_the_fit_finite(beta):
    """In torchnmf a component of zeros gives NaN."""
    V = torch.rand(8, 10)
    V[2], V[:, 3] = 0, 0
    W, H = torch.rand(8, 3), torch.rand(3, 10)
    W[:, 1], H[2] = 0, 0
    module = nmf.NMF(W=W, H=H)
    result = module.fit(V, beta, max_iter=30, solver="mm")
    assert torch.isfinite(module.W).all()
    assert torch.isfinite(module.H).all()
    assert result.history[-1] <= result.history[0]
    assert (module.W[:, 1] == 0).all()
    silent = nmf.NMF((8, 10), 3, seed=0)
    silent.fit(torch.zeros(8, 10), beta)
    assert float(silent().detach().max()) < 1e-6
