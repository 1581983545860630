"""Zarr folders: OME-Zarr 0.4 and 0.5, and bare arrays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from deblur._core.atomic import atomic_folder
from deblur._core.errors import reading
from deblur._core.extras import needs_extra

from ._model import Stack, WritableArray

_MICROMETERS = {"nanometer": 1e-3, "micrometer": 1.0, "millimeter": 1e3, "meter": 1e6}
_CHUNK = {"Z": 32, "Y": 256, "X": 256}
_LARGE, _COMPRESSION = 1e12, 1e4
"""Bytes from which on a shape is doubted, and the greatest factor by which a codec may have shrunk them."""

_TYPES = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}


def open_zarr(path: Path) -> Stack:
    """Read the metadata of a zarr folder; see `open_stack`."""
    zarr = _zarr()
    if not path.exists():
        raise FileNotFoundError(2, "No such file or directory", str(path))
    with reading(path, "it is neither OME-Zarr nor a zarr array"):
        stack = _described(zarr.open(path, mode="r"), zarr.Group)
    _check_size(path, stack)
    return stack


def _check_size(path: Path, stack: Stack) -> None:
    """Refuse an absurd shape: chunks that are missing cost no space, but would take for ever to restore."""
    declared = float(np.prod(stack.shape, dtype=float)) * stack.dtype.itemsize
    if declared <= _LARGE:
        return
    stored = sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    if declared > _COMPRESSION * stored:
        shape = " x ".join(map(str, stack.shape))
        raise ValueError(f"cannot read {path}: it declares {shape} samples, and its files hold only {stored} bytes")


def _described(node: Any, group: Any) -> Stack:
    if not isinstance(node, group):
        return Stack(node, _default_axes(node.ndim), format="zarr", extra={"zarr_format": node.metadata.zarr_format})
    attributes = dict(node.attrs)
    pyramids = attributes.get("ome", attributes).get("multiscales")
    if not pyramids or not pyramids[0].get("datasets"):
        raise ValueError("it is a group that describes no picture")
    described = pyramids[0]
    level = described["datasets"][0]
    if level["path"] not in node:
        raise ValueError(f"its metadata name the array {level['path']!r}, which is not in it")
    data = node[level["path"]]
    axes = [each if isinstance(each, dict) else {"name": each} for each in described["axes"]]
    letters = "".join(axis["name"].upper() for axis in axes)
    if len(letters) != data.ndim or len(set(letters)) < len(letters):
        raise ValueError(f"it names the axes {letters!r}, and its array has {data.ndim}")
    scale = _scale(level, described, len(axes))
    sizes = {}
    for letter, axis, size in zip(letters, axes, scale, strict=True):
        unit = 1.0 if letter == "T" and axis.get("unit") == "second" else _MICROMETERS.get(axis.get("unit", ""))
        if letter in "TZYX" and unit:
            sizes[letter] = size * unit
    omero = attributes.get("ome", attributes).get("omero", {})
    names = tuple(str(channel.get("label", "")) for channel in omero.get("channels", []))
    extra = {"zarr_format": data.metadata.zarr_format, "ome": True, "omero": omero}
    return Stack(data, letters, sizes, names if any(names) else (), "zarr", extra)


@contextmanager
def create_zarr(path: Path, like: Stack, dtype: np.dtype, *, overwrite: bool) -> Iterator[WritableArray]:
    """Create a zarr folder; see `create_stack`."""
    zarr = _zarr()
    chunks = tuple(min(size, _CHUNK.get(axis, 1)) for axis, size in zip(like.axes, like.shape, strict=True))
    layout = {"shape": like.shape, "chunks": chunks, "dtype": dtype.newbyteorder("=")}
    form = like.extra.get("zarr_format", 2)
    with atomic_folder(path, overwrite=overwrite) as temporary:
        if like.format == "zarr" and not like.extra.get("ome"):
            yield zarr.create_array(temporary, zarr_format=form, **layout)
        else:
            group = zarr.create_group(temporary, zarr_format=form)
            # OME-Zarr requires chunks in nested folders; the default of version 2 is names with dots in one folder.
            separator = {"name": "v2" if form == 2 else "default", "separator": "/"}
            out = group.create_array("0", chunk_key_encoding=separator, **layout)
            group.attrs.update(_attributes(like, form))
            yield out


def _zarr() -> Any:
    with needs_extra("zarr", "a stack in a zarr folder"):
        import zarr
    return zarr


def _default_axes(ndim: int) -> str:
    if not 2 <= ndim <= 5:
        raise ValueError(f"it has {ndim} axes, and a stack has 2 to 5")
    return {2: "YX", 3: "ZYX", 4: "CZYX", 5: "TCZYX"}[ndim]


def _scale(level: dict[str, Any], described: dict[str, Any], ndim: int) -> list[float]:
    scale = np.ones(ndim)
    for transformations in (level.get("coordinateTransformations", []), described.get("coordinateTransformations", [])):
        for each in transformations:
            if each["type"] == "scale":
                scale = scale * np.asarray(each["scale"], float)
    return scale.tolist()


def _attributes(like: Stack, form: int) -> dict[str, Any]:
    axes = []
    for letter in like.axes:
        axis = {"name": letter.lower(), "type": _TYPES.get(letter, "other")}
        if letter in like.voxel_size:
            axis["unit"] = "second" if letter == "T" else "micrometer"
        axes.append(axis)
    scale = [like.voxel_size.get(letter, 1.0) for letter in like.axes]
    level = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}
    multiscale: dict[str, Any] = {"axes": axes, "datasets": [level]}
    omero = like.extra.get("omero") or {"channels": [{"label": name} for name in like.channels]}
    extra = {"omero": omero} if like.channels or like.extra.get("omero") else {}
    if form == 2:
        return {"multiscales": [{"version": "0.4", **multiscale}], **extra}
    return {"ome": {"version": "0.5", "multiscales": [multiscale], **extra}}
