"""`deblur restore` for stacks, and for pictures larger than memory: by parts, from file to file."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import deblur
from deblur import photo
from deblur._core.memory import available_bytes, give_back_freed_memory, resident_bytes
from deblur._core.samples import quantized, scaled
from deblur.cli._restore import facts_about
from deblur.cli._settings import Settings
from deblur.restoration._photo import LINEAR_DTYPES, check_fit, clipped_from
from deblur.stack import Stack, create_stack, open_stack

if TYPE_CHECKING:
    from deblur import Tiling

_SHARE = 0.8  # of the memory that is free, where no limit is given


def restore_stack(
    source: Path,
    target: Path,
    psf: np.ndarray,
    settings: Settings,
    advance: Callable[[float], None],
    *,
    force: bool,
) -> dict[str, Any]:
    """Restore every volume (or plane, with a PSF of two axes) of a stack, and return what the JSON says of it."""
    give_back_freed_memory()
    stack = open_stack(source)
    space = "ZYX"[-psf.ndim :]
    _check(stack, psf, space)
    encoded = stack.format == "tiff" and stack.dtype.name in LINEAR_DTYPES and set(stack.axes) <= set("YXS")
    linear = encoded if settings.linear is None else settings.linear
    saturation = clipped_from(linear) if encoded else None
    memory = settings.memory or int(resident_bytes() + _SHARE * available_bytes() / settings.processes)

    options = settings.options(blind=False) | {"memory": memory, "saturation": saturation}
    options["channel_axis"] = -1 if stack.axes.endswith("S") else None

    batch = [axis for axis in stack.axes if axis not in (*space, "S")]
    places = list(itertools.product(*(range(stack.shape[stack.axes.index(axis)]) for axis in batch)))
    done: list[Tiling] = []
    clipped = 0
    dtype = np.dtype(np.float32) if settings.floats else stack.dtype
    with create_stack(target, stack, dtype=dtype, overwrite=force) as out:
        for number, place in enumerate(places):
            at = dict(zip(batch, place, strict=True))
            view = _Reader(stack, at, linear)
            written = _Writer(out, view, dtype, linear)

            def progress(part: float, number: int = number) -> None:
                advance((number + part) / len(places))

            done.append(deblur.restore_large(view, psf, written, progress=progress, **options))
            clipped += written.clipped
    facts = facts_about(done, psf.shape, float(psf.sum()))
    facts |= {"linear": linear, "axes": stack.axes, "windows": sum(each.count for each in done), "clipped": clipped}
    if clipped:
        facts["reason"] = f"{clipped} samples are brighter than {dtype} holds, and clipped; --float32 keeps them"
    return facts


def _check(stack: Stack, psf: np.ndarray, space: str) -> None:
    missing = [axis for axis in space if axis not in stack.axes]
    if missing:
        raise ValueError(f"its axes are {stack.axes}, and a PSF of {psf.ndim} axes needs {space}")
    check_fit(psf, tuple(stack.shape[stack.axes.index(axis)] for axis in space))


class _Part:
    """One volume, plane or color picture of a stack: what `restore_large` takes."""

    def __init__(self, axes: str, shape: tuple[int, ...], at: dict[str, int]) -> None:
        self._axes, self._at = axes, at
        self.shape = tuple(size for axis, size in zip(axes, shape, strict=True) if axis not in at)
        self.dtype = np.dtype(np.float32)

    def _box(self, box: tuple[slice, ...]) -> tuple[Any, ...]:
        within = iter(box)
        return tuple(self._at[axis] if axis in self._at else next(within, slice(None)) for axis in self._axes)


class _Reader(_Part):
    """Parts as floating numbers, integers over the largest of their type, linear light where that is asked for."""

    def __init__(self, stack: Stack, at: dict[str, int], linear: bool) -> None:
        super().__init__(stack.axes, stack.shape, at)
        self.stack, self.at, self._linear = stack, at, linear

    def __getitem__(self, box: tuple[slice, ...]) -> np.ndarray:
        values = scaled(np.asarray(self.stack.data[self._box(box)])).astype(np.float32, copy=False)
        return photo.to_linear(values) if self._linear else values


class _Writer(_Part):
    """The way back; counts what is too bright for the file."""

    def __init__(self, out: Any, reader: _Reader, dtype: np.dtype, linear: bool) -> None:
        super().__init__(reader.stack.axes, reader.stack.shape, reader.at)
        # A float file holds the counts of the integers it was made from.
        original = reader.stack.dtype
        self._unit = float(np.iinfo(original).max) if original.kind != "f" and dtype.kind == "f" else 1.0
        self._out, self._dtype, self._linear = out, dtype, linear
        self.clipped = 0

    def __setitem__(self, box: tuple[slice, ...], values: np.ndarray) -> None:
        if self._linear:
            values = photo.from_linear(values)
        if self._dtype.kind != "f" and not self._linear:
            self.clipped += int((values > 1).sum())
        if self._unit != 1:
            values = values * np.float32(self._unit)
        self._out[self._box(box)] = quantized(values, self._dtype)
