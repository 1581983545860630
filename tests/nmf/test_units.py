"""The unit of V: penalties and objectives scale with it exactly."""

import pytest
import torch

from nmf import NMF
from nmf.fit.units import Units

SCALE = 3000.0  # no power of two, which is what a fit computes in


@pytest.mark.parametrize("beta", [0, 1, 2])
@pytest.mark.parametrize("train", ["both", "W alone"])
@pytest.mark.parametrize("name", ["l1_W", "l2_W", "l1_H", "l2_H", "smooth_H", "orthogonal_W"])
def test_a_penalty_in_another_unit(name: str, beta: float, train: str) -> None:
    """With V and H times c, all is c**beta times the same where H's penalty has c**(beta - its power)."""
    if train == "W alone" and name.endswith("H"):
        pytest.skip("H stays as it is")
    generator = torch.Generator().manual_seed(0)
    V, W, H = (
        0.1 + torch.rand(shape, dtype=torch.float64, generator=generator) for shape in ((9, 14), (9, 3), (3, 14))
    )
    carrier = "W" if train == "W alone" else "H"
    power = (1 if name.startswith("l1") else 2) if name.endswith(carrier) else 0
    fits = []
    for scale in (1.0, SCALE):
        start_W, start_H = (W * scale, H) if carrier == "W" else (W, H * scale)
        module = NMF(W=start_W, H=start_H, trainable_H=train == "both", dtype=torch.float64)
        result = module.fit(V * scale, beta, **{name: 0.5 * scale ** (beta - power)}, max_iter=30, tol=0)
        fits.append((module(), result.history / scale**beta, module.W))
    (one, first, W_one), (other, second, W_other) = fits
    torch.testing.assert_close(other, SCALE * one, rtol=1e-6, atol=0)
    torch.testing.assert_close(second, first, rtol=1e-6, atol=0)
    torch.testing.assert_close(W_other, W_one * (SCALE if carrier == "W" else 1), rtol=1e-5, atol=1e-9)
    free = NMF(W=W, H=H, trainable_H=train == "both", dtype=torch.float64)
    free.fit(V, beta, max_iter=30, tol=0)
    assert not torch.allclose(free(), one, rtol=1e-3)  # the penalty has an effect


@pytest.mark.parametrize("scale", [1e-9, 1e-2, 1.0, 700.0, 1e12])
def test_data_of_positive_weight_have_a_mean_near_one(scale: float) -> None:
    V = scale * torch.rand(3, 8, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weights = torch.zeros_like(V)
    weights[..., :2] = 0.5  # a tenth of the columns is known
    units = Units(V * (weights > 0), weights, 1.0, 1, in_W=False)
    data = units.data()
    mean = data[..., :2].mean((1, 2))
    assert bool(((mean > 2**-0.5 - 1e-9) & (mean < 2**0.5 + 1e-9)).all())
    assert torch.equal(torch.log2(V[0, 0, 0] / data[0, 0, 0]).round(), torch.log2(V[0, 0, 0] / data[0, 0, 0]))


def test_sparse_data_have_the_unit_of_dense_ones() -> None:
    V = 100 * torch.eye(6, dtype=torch.float64)
    sparse = Units(V.to_sparse(), None, 1.0, 0, in_W=False).data()
    assert torch.equal(sparse.to_dense(), Units(V, None, 1.0, 0, in_W=False).data())
