"""Overlapping windows that cover a large array; the middle of each is kept."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

Box = tuple[slice, ...]


class Tile(NamedTuple):
    """A window of an array, and the part of it that is kept.

    Attributes
    ----------
    window : tuple of slice
        Position of the window in the array.
    kept : tuple of slice
        Position of the kept part in the array.
    inner : tuple of slice
        Position of the kept part in the window.
    """

    window: Box
    kept: Box
    inner: Box


def tiles(shape: Sequence[int], sizes: Sequence[int], halos: Sequence[int]) -> Iterator[Tile]:
    """Cover an array with windows of one shape; a halo at their inner edges is not kept.

    Parameters
    ----------
    shape : sequence of int
        Shape of the array.
    sizes : sequence of int
        Shape of a window, at least twice the halo plus one; a shorter axis is covered by one window.
    halos : sequence of int
        Least distance in pixels, per axis, of the kept part from an edge of the window inside the array.

    Yields
    ------
    Tile
        The kept parts cover the array without overlap, in row-major order.

    Examples
    --------
    >>> [tile.kept for tile in tiles((10,), (6,), (1,))]
    [(slice(0, 5, None),), (slice(5, 10, None),)]
    """
    axes = [_windows(*axis) for axis in zip(shape, sizes, halos, strict=True)]
    for place in itertools.product(*axes):
        yield Tile(
            tuple(slice(start, stop) for start, stop, _, _ in place),
            tuple(slice(first, last) for _, _, first, last in place),
            tuple(slice(first - start, last - start) for start, _, first, last in place),
        )


def evened(shape: Sequence[int], sizes: Sequence[int], halos: Sequence[int]) -> tuple[int, ...]:
    """Return the smallest window shape that needs no more windows than `sizes`, to reduce their overlap.

    Examples
    --------
    >>> evened((100,), (70,), (5,))
    (55,)
    """
    return tuple(_smallest(*axis) for axis in zip(shape, sizes, halos, strict=True))


def _smallest(extent: int, size: int, halo: int) -> int:
    return extent if extent <= size else -(-(extent - 2 * halo) // _count(extent, size, halo)) + 2 * halo


def _count(extent: int, size: int, halo: int) -> int:
    return -(-(extent - 2 * halo) // (size - 2 * halo))


def _windows(extent: int, size: int, halo: int) -> list[tuple[int, int, int, int]]:
    """Cover an axis: start and stop of each window, then of its kept part."""
    if extent <= size:
        return [(0, extent, 0, extent)]
    count = _count(extent, size, halo)
    starts = [round(index * (extent - size) / (count - 1)) for index in range(count)]
    seams = [(a + size + b) // 2 for a, b in pairwise(starts)]
    edges = [0, *seams, extent]
    return [(start, start + size, *kept) for start, kept in zip(starts, pairwise(edges), strict=True)]
