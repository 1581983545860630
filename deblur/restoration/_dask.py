"""`deblur.dask.restore`: images in blocks of a Dask graph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from deblur._core.extras import needs_extra
from deblur._core.own_state import own_state
from deblur._core.samples import float_type
from deblur.restoration._plan import Plan, check_channel_axis, make_plan
from deblur.restoration._policy import check_psf_array
from deblur.restoration._run import restore_window
from deblur.restoration._sources import array_policy
from deblur.restoration._windows import calibrated, halo_of

with needs_extra("dask", "deblur.dask"):
    import dask.array as da


@own_state()
def restore(
    image: Any,
    psf: Any,
    *,
    method: str = "auto",
    noise_level: Any = None,
    bad_pixels: str | None = None,
    saturation: float | None = None,
    linear: bool = False,
    channel_axis: int | None = None,
    halo: int | tuple[int, ...] | None = None,
    device: str | torch.device | None = None,
    **options: Any,
) -> da.Array:
    """Restore a blurred image in overlapping blocks, when the result is computed.

    Each block of the result is cut out of the restoration of a larger one. At the border of the image nothing is added:
    there the scene goes on past the frame, as in `deblur.restore`.

    Parameters
    ----------
    image : dask.array.Array or array-like
        Blurred image; a zarr or h5py array is taken in its chunks. Its last axes, the channel axis aside, are those of
        the PSF; axes before them are a batch, and do not overlap.
    psf : numpy.ndarray
        Point-spread function, one to three axes, scaled to sum 1.
    method : str
        A name of `deblur.methods` that takes a PSF. ``"auto"`` takes one for the whole image, as if it were in memory.
    noise_level : float, optional
        Standard deviation of the noise, in the unit of the image, see `deblur.restore`. If None, the median of what is
        estimated from patches of the image. Samples that are not finite are left out, and stay as they are.
    bad_pixels : "auto", optional
        See `deblur.restore`.
    saturation : float, optional
        Value from which on samples are clipped, see `deblur.restore`.
    linear : bool
        Whether samples follow the sRGB curve, see `deblur.restore`.
    channel_axis : int, optional
        Axis of the channels, if there is one; it becomes one chunk.
    halo : int or tuple of int, optional
        Pixels by which a block is extended, one number or one per axis of the PSF; by default as in
        `deblur.restore_large`.
    device : str or torch.device, optional
        Where to compute, see `deblur.restore`.
    **options
        Passed to the method.

    Returns
    -------
    dask.array.Array
        The restored image, of the shape of `image`, not computed yet.

    Raises
    ------
    TypeError, ValueError
        If the PSF has more axes than the image, `halo` is larger than it, or an argument does not fit.

    Notes
    -----
    An image of several blocks is calibrated when this function is called: at most nine patches of it are computed then,
    and the noise level, the balance of `wiener` and the iterations of `richardson_lucy` that they give hold for all
    blocks, as in `deblur.restore_large`. Other methods still adapt to what they see, so a block is not exactly what it
    is in the whole image restored, however large the halo (`python -m benchmarks.quality.dask_blocks`).

    Examples
    --------
    >>> import dask.array as da, deblur.dask, deblur.psf
    >>> image = da.random.default_rng(0).random((200, 200), chunks=100)
    >>> sharp = deblur.dask.restore(image, deblur.psf.gaussian(1), method="wiener", noise_level=0.01)
    >>> sharp.chunks, sharp.compute().shape
    (((100, 100), (100, 100)), (200, 200))
    """
    blocks = image if isinstance(image, da.Array) else da.from_array(image, chunks=getattr(image, "chunks", "auto"))
    _check(blocks, psf, channel_axis)
    axes = [axis for axis in range(blocks.ndim) if channel_axis is None or axis != channel_axis % blocks.ndim]
    if psf.ndim > len(axes):
        raise ValueError(f"psf has {psf.ndim} axes, and the image {len(axes)}, channels aside")
    if channel_axis is not None:
        blocks = blocks.rechunk({channel_axis % blocks.ndim: -1})
    spatial = axes[len(axes) - psf.ndim :]
    space = tuple(blocks.shape[axis] for axis in axes)
    policy = array_policy(
        blocks,
        psf,
        channel_axis=channel_axis,
        noise_level=noise_level,
        linear=linear,
        saturation=saturation,
        space=space,
        bad_pixels=bad_pixels,
    )
    plan = make_plan(policy, space, method=method, channel_axis=channel_axis, device=device, **options)
    if all(blocks.numblocks[axis] == 1 for axis in spatial):  # nothing to agree on: the method decides, per image
        depth = dict.fromkeys(spatial, 0)
    else:
        plan = _calibrated(plan, blocks)
        depth = dict(zip(spatial, halo_of(plan, halo), strict=True))
        if halo is None:  # more than the whole image is nothing more
            depth = {axis: min(edge, blocks.shape[axis]) for axis, edge in depth.items()}
    return da.map_overlap(
        _restore_block,
        blocks,
        depth=dict.fromkeys(range(blocks.ndim), 0) | depth,
        boundary="none",
        meta=np.empty((0,) * blocks.ndim, float_type(blocks.dtype)),
        plan=plan,
    )


def _check(blocks: da.Array, psf: Any, channel_axis: int | None) -> None:
    if blocks.dtype.kind not in "buif":
        raise TypeError(f"image must be real numbers, got dtype {blocks.dtype}")
    if np.isnan(blocks.shape).any():
        raise ValueError("image has chunks of unknown size; image.compute_chunk_sizes() finds them")
    check_psf_array(psf)
    check_channel_axis(channel_axis, blocks.shape)


def _restore_block(block: np.ndarray, plan: Plan) -> np.ndarray:
    restored: np.ndarray = restore_window(plan, block).image
    return restored


def _calibrated(plan: Plan, blocks: da.Array) -> Plan:
    """Calibrate on patches, which have their channels last."""
    if plan.channel_axis is None:
        return calibrated(plan, blocks)
    last = calibrated(replace(plan, channel_axis=-1), da.moveaxis(blocks, plan.channel_axis, -1))
    return replace(last, channel_axis=plan.channel_axis)
