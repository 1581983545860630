"""The search on the shrunk image."""

from typing import Any

import pytest
import torch

from deblur.blind._crop import StrongEdges
from deblur.blind._settings import Settings
from deblur.blind._sparse_edges import supports
from deblur.blind._sparse_edges.estimate import Size, Tuning
from deblur.blind._sparse_edges.supports import Pool, ShrunkView
from deblur.blind._view import View

from ..cases import unclipped


def view_of(rows: int, columns: int) -> torch.Tensor:
    return torch.rand((rows, columns), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(40, 50), (300, 400), (700, 1000), (1500, 2100)])
def test_views_are_shrunk_to_a_size_and_small_ones_at_least_to_a_half(shape: tuple[int, int]) -> None:
    shrunk = ShrunkView.of(StrongEdges(unclipped(view_of(*shape))), 0.01)
    assert shrunk.factor >= 2
    part = [min(side, supports.WINDOW) for side in shape]
    assert shrunk.view.y.shape == tuple(round(side / shrunk.factor) for side in part)
    assert shrunk.factor == 2 or shrunk.view.y.numel() == pytest.approx(4.5e4, rel=0.01)


def test_shrinking_leaves_less_noise() -> None:
    noise = 0.05
    y = 0.5 + noise * torch.randn((200, 200), generator=torch.Generator().manual_seed(0))
    whole, shrunk = (ShrunkView.by(unclipped(y), noise, factor) for factor in (1.0, 4.0))
    assert whole.settings == Settings.for_noise(noise)
    assert shrunk.settings == Settings.for_noise(noise / 4)
    assert float(unclipped(y).shrunk(4.0).y.std()) < 1.2 * noise / 4


@pytest.mark.parametrize(
    ("shape", "most"), [((300, 400), None), ((300, 400), (31, 45)), ((64, 90), None), ((34, 34), (3, 3))]
)
def test_kernels_keep_to_the_sizes_that_are_given_and_to_half_the_view(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int], most: Size | None
) -> None:
    asked: list[Size] = []

    def estimate(view: View, support: Size, tuning: Tuning, *, start: Any, levels: Any) -> torch.Tensor:
        assert start is None or start.shape == support
        asked.append(support)
        psf = torch.zeros(support)
        psf[support[0] // 2] = 1 / support[1]
        return psf

    monkeypatch.setattr(supports, "estimate_psf", estimate)
    shrunk = ShrunkView.of(StrongEdges(unclipped(view_of(*shape))), 0.0)
    parts: list[float] = []
    pool = Pool(shrunk, most, lambda part, stage: parts.append(part / 2))
    pool.go_on(lambda part, stage: parts.append((1 + part) / 2))
    assert len(pool.candidates) == len(asked)
    for support in asked:
        assert all(side % 2 for side in support)
        assert all(side <= max(size // 2, 1) for side, size in zip(support, shrunk.view.y.shape, strict=True))
        if most is not None:
            assert all(shrunk.factor * (side - 2) < limit for side, limit in zip(support, most, strict=True))
    assert parts == sorted(parts)
    assert 0 < parts[-1] <= 1
