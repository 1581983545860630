"""`deblur.restore_stack`: volumes, planes and channels from file to file, window by window."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch

from deblur._core.memory import available_bytes, give_back_freed_memory, parse_bytes, resident_bytes
from deblur._core.own_state import own_state
from deblur._core.progress import Progress, span
from deblur._core.samples import quantized, scaled
from deblur._result import Restoration
from deblur.psf import PsfFile
from deblur.restoration._kinds import kind_of_stack
from deblur.restoration._large import restore_sliced
from deblur.restoration._masks import checked_mask
from deblur.restoration._noise import array_compression
from deblur.restoration._photo import check_fit
from deblur.restoration._policy import Policy, check_psf_array
from deblur.restoration._sources import background_option, counts_per_unit, file_policy, opened_psf
from deblur.stack import Stack, create_stack, open_stack

_SHARE = 0.8  # of the memory that is free, where no limit is given


@own_state()
def restore_stack(
    source: str | os.PathLike[str],
    psf: np.ndarray | PsfFile | str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    method: str = "auto",
    kind: Literal["photo", "counts"] | None = None,
    noise_level: Any = None,
    mask: Any = None,
    bad_pixels: Any = None,
    background: float | Literal["auto"] | None = None,
    gain: float | None = None,
    read_noise: float | None = None,
    linear: bool | None = None,
    saturation: float | Literal["auto"] | None = "auto",
    memory: int | str | None = None,
    processes: int = 1,
    float32: bool = False,
    overwrite: bool = False,
    device: str | torch.device | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Restoration:
    """Restore every volume, or every plane, of a stack on disk into another file, as ``deblur restore`` does.

    Channels and times are restored one by one. A stack that is larger than memory is restored window by window, see
    `deblur.restore_large`.

    Parameters
    ----------
    source : str or path-like
        OME-TIFF, ImageJ hyperstack, plain TIFF, or a folder ending in .zarr; see `deblur.stack.open_stack`.
    psf : numpy.ndarray, deblur.psf.PsfFile or path-like
        Point-spread function of two axes (planes) or three (volumes), or the path of its file; mended as for
        `deblur.restore_photo`, resampled to the voxels of the stack where both record theirs, and scaled to sum 1.
    target : str or path-like
        Ends in .tif, .tiff or .zarr. It appears whole or not at all.
    method : str
        A name of `deblur.methods` that takes a PSF, or ``"auto"``.
    kind, bad_pixels, background, gain, read_noise
        See `deblur.restore_photo`.
    noise_level : float, str, mapping or NoiseModel, optional
        Standard deviation of the noise as a fraction of the full range, or another description of it, see
        `deblur.restore`; estimated if None.
    mask : array, optional
        Positive where samples are used, 0 where they are left out and stay as they are: of the shape of each plane or
        volume that is restored.
    linear : bool, optional
        Whether samples follow the sRGB curve. By default those of plain TIFF pictures of 8 and 16 bits do.
    saturation : float, None or "auto"
        See `deblur.restore_photo`.
    memory : int or str, optional
        Most bytes that the process may hold, or a text such as ``"4G"``; by default four fifths of what is free.
    processes : int
        How many processes share that.
    float32 : bool
        Whether to write 32-bit floats, in the unit of the source (counts), so that nothing clips.
    overwrite : bool
        Whether an existing target may be replaced.
    device : str or torch.device, optional
        Where to compute, see `deblur.restore`.
    progress : callable, optional
        ``progress(fraction, stage)``, see `deblur.restore`.
    **options
        Further options of the method.

    Returns
    -------
    Restoration
        Its `image` is the array on disk, in the samples of the file; ``details`` has ``"axes"``, the number of
        ``"windows"`` and of ``"clipped"`` samples.

    Raises
    ------
    OSError, ValueError
        If a file cannot be read or written, the PSF does not fit, or the memory is too small.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np, tifffile
    >>> import deblur
    >>> cells = np.random.default_rng(0).integers(100, 200, (2, 9, 32, 32), dtype=np.uint16)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source, target = (pathlib.Path(folder, name) for name in ("cells.ome.tif", "sharp.ome.tif"))
    ...     tifffile.imwrite(source, cells, metadata={"axes": "CZYX"})
    ...     result = deblur.restore_stack(source, deblur.psf.gaussian((1, 1, 1)), target, method="wiener")
    ...     result.image.shape, result.details["axes"], result.details["windows"]
    ((2, 9, 32, 32), 'CZYX', 2)
    """
    start = time.perf_counter()
    give_back_freed_memory()
    if processes < 1:
        raise ValueError(f"processes must be at least 1, got {processes}")
    psf, kernel = opened_psf(psf)
    check_psf_array(kernel)
    stack = open_stack(source)
    space = "ZYX"[-kernel.ndim :]
    _check(stack, kernel, space)
    extent = tuple(stack.shape[stack.axes.index(axis)] for axis in space)
    channel_axis = -1 if stack.axes.endswith("S") else None
    policy = file_policy(
        kind_of_stack(stack, kind),
        stack.dtype,
        psf,
        encoded=not stack.linear,
        compression=array_compression(stack.data, channel_axis) if stack.dtype == np.uint8 else None,
        noise_level=noise_level,
        gain=gain,
        read_noise=read_noise,
        linear=linear,
        saturation=saturation,
        space=extent,
        voxel_size=stack.voxel_size,
        bad_pixels=bad_pixels,
        notes=stack.notes,
    )
    weights = None if mask is None else checked_mask(mask, extent, "what is restored")
    options |= background_option(background, policy, method, counts_per_unit(stack.dtype))
    free = _SHARE * available_bytes() / processes
    limit = int(resident_bytes() + free) if memory is None else parse_bytes(memory)
    settings: dict[str, Any] = {"method": method, "channel_axis": channel_axis, "device": device, **options}
    dtype = np.dtype(np.float32) if float32 else stack.dtype
    done, clipped = [], 0
    with create_stack(target, stack, dtype=dtype, overwrite=overwrite) as out:
        parts = list(_parts(stack, space))
        for number, at in enumerate(parts):
            part = span(progress, number / len(parts), (number + 1) / len(parts))
            reader, writer = _Reader(stack, at), _Writer(out, stack, at, dtype, policy)
            done.append(restore_sliced(reader, writer, policy, settings, memory=limit, weights=weights, progress=part))
            clipped += writer.clipped
    reason = f"{clipped} samples are brighter than {dtype} holds, and clipped; --float32 keeps them" if clipped else ""
    levels = [each.noise_level for each in done if each.noise_level is not None]
    facts = {"axes": stack.axes, "windows": sum(each.details["windows"] for each in done), "clipped": clipped}
    return replace(
        done[0],
        image=open_stack(target).data,
        noise_level=float(np.mean(levels)) if levels else None,
        reason=reason,
        seconds=time.perf_counter() - start,
        details={**done[0].details, **facts},
    )


def _check(stack: Stack, psf: np.ndarray, space: str) -> None:
    missing = [axis for axis in space if axis not in stack.axes]
    if missing:
        raise ValueError(f"its axes are {stack.axes}, and a PSF of {psf.ndim} axes needs {space}")
    if "S" in stack.axes[:-1]:
        raise ValueError(
            f"its axes are {stack.axes}, and colors must be the last; convert it first, or restore it whole"
        )
    check_fit(psf, tuple(stack.shape[stack.axes.index(axis)] for axis in space))


def _parts(stack: Stack, space: str) -> Iterator[dict[str, int]]:
    """Yield the index along every axis that is neither spatial nor of colors, of one volume or plane after another."""
    batch = [axis for axis in stack.axes if axis not in (*space, "S")]
    for place in itertools.product(*(range(stack.shape[stack.axes.index(axis)]) for axis in batch)):
        yield dict(zip(batch, place, strict=True))


class _Part:
    """One volume, plane or color picture of a stack, sliced along its spatial axes."""

    def __init__(self, stack: Stack, at: dict[str, int], dtype: np.dtype) -> None:
        self._axes, self._at = stack.axes, at
        self.shape = tuple(size for axis, size in zip(stack.axes, stack.shape, strict=True) if axis not in at)
        self.dtype = dtype

    def _index(self, box: tuple[slice, ...]) -> tuple[Any, ...]:
        within = iter(box)
        return tuple(self._at[axis] if axis in self._at else next(within, slice(None)) for axis in self._axes)


class _Reader(_Part):
    """Samples in single precision, integers scaled to [0, 1]: windows are planned for that."""

    def __init__(self, stack: Stack, at: dict[str, int]) -> None:
        super().__init__(stack, at, np.dtype(np.float32))
        self._data = stack.data

    def __getitem__(self, box: tuple[slice, ...]) -> np.ndarray:
        return scaled(np.asarray(self._data[self._index(box)])).astype(np.float32, copy=False)


class _Writer(_Part):
    """The inverse of `_Reader`, into a file of another sample type; counts the samples that clip."""

    def __init__(self, out: Any, stack: Stack, at: dict[str, int], dtype: np.dtype, policy: Policy) -> None:
        super().__init__(stack, at, np.dtype(np.float32))
        self._out, self._file_dtype = out, dtype
        # A floating file holds the counts of the integers it was made from.
        is_counts = stack.dtype.kind != "f" and dtype.kind == "f"
        self._unit = np.float32(np.iinfo(stack.dtype).max) if is_counts else None
        self._counts_clipped = dtype.kind != "f" and not policy.linear
        self.clipped = 0

    def __setitem__(self, box: tuple[slice, ...], values: np.ndarray) -> None:
        if self._counts_clipped:
            self.clipped += int((values > 1).sum())
        if self._unit is not None:
            values = values * self._unit
        self._out[self._index(box)] = quantized(values, self._file_dtype)
