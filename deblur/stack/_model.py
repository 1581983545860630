"""The stack: an array on disk with named axes, which readers and writers share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from deblur.photo._profile import is_linear


class SlicedArray(Protocol):
    """An array whose parts are read by slicing: of NumPy, zarr, or a file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of every axis."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the samples."""

    def __getitem__(self, box: Any, /) -> Any:
        """Read a part."""


class WritableArray(Protocol):
    """An array whose parts are written by assignment."""

    def __setitem__(self, box: Any, values: np.ndarray, /) -> None:
        """Write a part."""


@dataclass(frozen=True, eq=False)
class Stack:
    """An array on disk that is read in parts, by slicing, with the axes and sizes that its file records.

    Attributes
    ----------
    data : array-like
        With shape, dtype and slicing; nothing is read before it is sliced. Samples are as in the file.
    axes : str
        One letter per axis, in the order of `data`: T, C, Z, Y, X, S for the samples of a color picture, others as
        tifffile calls them.
    voxel_size : mapping of str to float
        Micrometers along Z, Y and X, seconds along T, where the file records them.
    channels : tuple of str
        Names of the channels; empty if they have none.
    format : {"ome", "imagej", "tiff", "zarr"}
        Format that it was read from.
    extra : mapping
        Other metadata, kept for a file of the same format.
    notes : tuple of str
        Sentences about what a file that is written from it does not have.
    """

    data: SlicedArray = field(repr=False)
    axes: str
    voxel_size: Mapping[str, float] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    format: Literal["ome", "imagej", "tiff", "zarr"] = "tiff"
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of every axis."""
        return tuple(self.data.shape)

    @property
    def linear(self) -> bool:
        """Whether samples are proportional to light, as `deblur.photo.Photo.linear` has it."""
        profile = self.extra.get("iccprofile")
        return self.format != "tiff" or (self.dtype.kind == "f" and not profile) or is_linear(profile)

    @property
    def dtype(self) -> np.dtype:
        """The type of the samples, in the byte order of this machine."""
        return np.dtype(self.data.dtype).newbyteorder("=")
