"""OME-XML: what a file says of its stack, and the same for a file whose samples lie in another way.

References
----------
The OME-TIFF specification and the OME data model, 2016-06.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import tifffile

from deblur._core.tiff import ome_pixels, voxel_size

from ._model import Stack

_GEOMETRY = ("DimensionOrder", "Type", "SizeX", "SizeY", "SizeZ", "SizeC", "SizeT", "Interleaved", "BigEndian")
_PLACES = ("TiffData", "BinData", "MetadataOnly")  # elements that say where the samples are


def described_by_ome(tiff: tifffile.TiffFile) -> dict[str, Any]:
    """Return sizes, names of channels and the whole description of an open OME-TIFF, as fields of a stack."""
    channels = ome_pixels(tiff.ome_metadata or "").get("Channel", [])
    names = [str(each.get("Name", "")) for each in (channels if isinstance(channels, list) else [channels])]
    return {
        "voxel_size": voxel_size(tiff),
        "channels": tuple(names) if any(names) else (),
        "format": "ome",
    }


def ome_options(stack: Stack) -> dict[str, Any]:
    """Return the metadata from which tifffile makes a description."""
    metadata: dict[str, Any] = {"axes": stack.axes}
    for axis in "ZYX":
        if axis in stack.voxel_size:
            metadata |= {f"PhysicalSize{axis}": stack.voxel_size[axis], f"PhysicalSize{axis}Unit": "µm"}
    if "T" in stack.voxel_size:
        metadata |= {"TimeIncrement": stack.voxel_size["T"], "TimeIncrementUnit": "s"}
    return metadata | ({"Channel": {"Name": list(stack.channels)}} if stack.channels else {})


def merged(before: str, written: str) -> bytes:
    """Return a description with everything that another says besides the type and place of the samples.

    Parameters
    ----------
    before : str
        Description of the file that was read: instruments, channels, planes, annotations.
    written : str
        Description of the file that is written, of the same shape and axes.
    """
    root, made = ElementTree.fromstring(before), ElementTree.fromstring(written)
    name, made_name = _namer(root), _namer(made)
    ElementTree.register_namespace("", root.tag[1:].partition("}")[0])
    images = root.findall(name("Image"))
    for other in images[1:]:
        root.remove(other)
    root.attrib.pop("UUID", None)  # it names the file that was read
    pixels, made_pixels = _pixels(images[0], name), _pixels(made.findall(made_name("Image"))[0], made_name)
    if pixels.get("Type") != made_pixels.get("Type"):
        pixels.attrib.pop("SignificantBits", None)
    for attribute in _GEOMETRY:
        value = made_pixels.get(attribute)
        if value is None:
            pixels.attrib.pop(attribute, None)
        else:
            pixels.set(attribute, value)
    for child in [each for place in _PLACES for each in pixels.findall(name(place))]:
        pixels.remove(child)
    position = len(pixels.findall(name("Channel")))
    for place in reversed(made_pixels.findall(made_name("TiffData"))):
        place.tag = name("TiffData")
        del place[:]
        pixels.insert(position, place)
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _pixels(image: ElementTree.Element, name: Any) -> ElementTree.Element:
    pixels = image.find(name("Pixels"))
    if pixels is None:
        raise ValueError("its OME description has no Pixels")
    return pixels


def _namer(root: ElementTree.Element) -> Any:
    """Return a function that puts the namespace of a document before names."""
    space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
    return lambda name: space + name
