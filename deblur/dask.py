"""Images that are larger than memory, block by block: the methods of `deblur.restore` on Dask and zarr arrays."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import delayed

from deblur.nonblind import estimate_noise
from deblur.restoration import _array as _restore

HALO = 2
"""Widths of the PSF: how far beyond its border a block is restored by default; see `restore`."""

LOOKS = 3
"""Blocks along each axis, at most, from which the noise level is estimated."""


def restore(
    image: Any,
    psf: Any,
    *,
    method: str = "auto",
    noise_level: float | None = None,
    depth: int | Mapping[int, int] | None = None,
    channel_axis: int | None = None,
    **options: Any,
) -> da.Array:
    """Restore a blurred image in blocks that overlap, when the result is computed.

    Each block of the result is cut out of the restoration of a larger one. At the border of the image nothing is added:
    there the scene goes on past the frame, as `deblur.restore` has it.

    Parameters
    ----------
    image : dask.array.Array or array-like
        Blurred image; a zarr or h5py array is taken in its chunks. Its last axes, the channel axis aside, are those of
        the PSF; axes before them are a batch, and are not overlapped.
    psf : numpy.ndarray
        Point-spread function, one to three axes.
    method : str
        Of `deblur.restore`. ``"auto"`` takes one for the whole image, as if it were in memory.
    noise_level : float, optional
        Standard deviation of the noise, in the unit of the image. If None, the median of what is estimated from some
        blocks, once for all, since blocks of different smoothness would show.
    depth : int or mapping, optional
        How far to go beyond a block, in pixels along each axis of the PSF, or by axis of the image. By default twice
        the width of the PSF.
    channel_axis : int, optional
        Axis of the channels, if there is one; it becomes one chunk.
    **options
        Passed to `deblur.restore`.

    Returns
    -------
    dask.array.Array
        The restored image, of the shape of `image`, not computed yet.

    Raises
    ------
    ValueError
        If the PSF has more axes than the image, or `depth` is larger than it.

    Notes
    -----
    A method adapts to what it sees, so a block is not what it is in the whole image restored, however far beyond it one
    goes. By default the root of the mean squared difference is 0.002 to 0.011 at a noise level of 0.01, at the borders
    of the blocks at most twice as large as elsewhere, and the error against the truth is the same within 4 %. Plain
    `richardson-lucy` adapts least (``accelerate=False, tolerance=0, noise_level=0``: every block takes `num_iter`
    iterations): 4e-5 for a Gaussian, 2e-4 for a disk, but 0.007 for a straight motion, which wipes out what neighbors
    must agree on (`python -m benchmarks.quality.dask_blocks`).

    Examples
    --------
    >>> import dask.array as da, deblur.dask, deblur.psf
    >>> image = da.random.default_rng(0).random((200, 200), chunks=100)
    >>> sharp = deblur.dask.restore(image, deblur.psf.gaussian(1), method="wiener", noise_level=0.01)
    >>> sharp.chunks, sharp.compute().shape
    (((100, 100), (100, 100)), (200, 200))
    """
    blocks = image if isinstance(image, da.Array) else da.from_array(image, chunks=getattr(image, "chunks", "auto"))
    axes = [axis for axis in range(blocks.ndim) if channel_axis is None or axis != channel_axis % blocks.ndim]
    if psf.ndim > len(axes):
        raise ValueError(f"psf has {psf.ndim} axes, and the image {len(axes)}, channels aside")
    spatial = axes[len(axes) - psf.ndim :]
    if channel_axis is not None:
        blocks = blocks.rechunk({channel_axis % blocks.ndim: -1})
    if depth is None:
        depth = {axis: HALO * size for axis, size in zip(spatial, psf.shape, strict=True)}
    elif isinstance(depth, int):
        depth = dict.fromkeys(spatial, depth)
    shared = {"psf": psf, "channel_axis": channel_axis}
    name = _restore.best_method([blocks.shape[axis] for axis in axes], psf.ndim) if method == "auto" else method
    if noise_level is None and name != "unsupervised-wiener":
        noise_level = _noise_level(blocks, **shared)
    return da.map_overlap(
        _restore_block,
        blocks,
        depth=dict.fromkeys(range(blocks.ndim), 0) | dict(depth),
        boundary="none",
        meta=np.empty((0,) * blocks.ndim, np.float32 if blocks.dtype in (np.float16, np.float32) else np.float64),
        method=name,
        noise_level=noise_level,
        **shared,
        **options,
    )


def _restore_block(block: np.ndarray, **arguments: Any) -> np.ndarray:
    return _restore.restore(block, **arguments).image


def _noise_level(blocks: da.Array, **shared: Any) -> Any:
    """Return a task for the median of the noise levels of some blocks, spread over the image."""
    estimate = delayed(estimate_noise)
    some = [sorted({round(part) for part in np.linspace(0, count - 1, LOOKS)}) for count in blocks.numblocks]
    levels = [estimate(blocks.blocks[where].to_delayed().item(), **shared) for where in itertools.product(*some)]
    return delayed(np.median)(levels)
