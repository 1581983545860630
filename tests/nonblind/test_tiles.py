"""Windows over a large image: of one size, and without visible seams."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from deblur._core.progress import Progress, silent
from deblur.nonblind import _tiles
from deblur.nonblind._tiles import by_tiles

WINDOW = 16
sizes = st.integers(1, 70)


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tiles, "_WINDOW", WINDOW)


@given(planes=st.integers(1, 5), height=sizes, width=sizes, halo=st.integers(0, 6))
def test_the_identity_stays_one(planes: int, height: int, width: int, halo: int) -> None:
    y = torch.arange(float(planes * height * width)).reshape(planes, 1, height, width)
    chosen: list[int] = []

    def restore(within: Progress, window: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        assert window.shape[-2:] == (min(height, max(WINDOW, 4 * halo)), min(width, max(WINDOW, 4 * halo)))
        assert len(window) == len(indices)
        assert window.numel() <= max(max(WINDOW, 4 * halo) ** 2, window[0].numel())
        assert torch.equal((window[:, 0, 0, 0] // (height * width)).long(), indices)
        chosen.extend(indices.tolist())
        return window

    assert torch.equal(by_tiles(restore, y, halo), y)
    assert set(chosen) == set(range(planes))


@pytest.mark.parametrize("size", [(40, 40), (70, 21), (16, 90)])
def test_a_filter_no_larger_than_the_halo_is_exact(size: tuple[int, int]) -> None:
    y, kernel = torch.rand(2, 1, *size, dtype=torch.float64), torch.rand(1, 1, 7, 7, dtype=torch.float64)

    def blur(within: Progress, window: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(window, kernel, padding=3)

    torch.testing.assert_close(by_tiles(blur, y, 3), blur(silent, y, torch.arange(2)))
    assert (by_tiles(blur, y, 2) - blur(silent, y, torch.arange(2))).abs().max() > 0.1
