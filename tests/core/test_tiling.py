"""Windows over a large array: they cover it, they are alike, and what is kept stays away from their inner edges."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deblur._core import tiling as _tiles
from deblur._core.tiling import tiles


@given(extent=st.integers(1, 400), halo=st.integers(0, 30), slack=st.integers(1, 40))
def test_windows_cover_and_stay_away_from_their_inner_edges(extent: int, halo: int, slack: int) -> None:
    size = 2 * halo + slack
    windows = _tiles._windows(extent, size, halo)
    assert windows[0][0] == windows[0][2] == 0
    assert windows[-1][1] == windows[-1][3] == extent
    assert {stop - start for start, stop, _, _ in windows} == {min(size, extent)}
    for before, after in pairwise(windows):
        assert before[3] == after[2]  # what is kept of one begins where the other's ends
        assert before[1] - before[3] >= halo
        assert after[2] - after[0] >= halo
    assert all(start <= first < last <= stop for start, stop, first, last in windows)
    (least,) = _tiles.evened((extent,), (size,), (halo,))
    assert least <= size
    assert len(_tiles._windows(extent, least, halo)) == len(windows)
    assert least == extent or least == 2 * halo + 1 or len(_tiles._windows(extent, least - 1, halo)) > len(windows)


@given(shape=st.tuples(*[st.integers(1, 30)] * 3), sizes=st.tuples(*[st.integers(5, 12)] * 3))
def test_what_is_kept_covers_a_volume_once(shape: tuple[int, ...], sizes: tuple[int, ...]) -> None:
    x, covered = np.arange(np.prod(shape)).reshape(shape), np.zeros(shape, int)
    for tile in tiles(shape, sizes, (0, 1, 2)):
        np.testing.assert_array_equal(x[tile.kept], x[tile.window][tile.inner])
        covered[tile.kept] += 1
    assert (covered == 1).all()
