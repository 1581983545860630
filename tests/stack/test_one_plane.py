"""Planes and stacks of instruments: what their files say besides the sizes goes from file to file."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile

import deblur
from deblur import photo
from deblur.stack import create_stack, is_stack, open_stack

OME = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"
DESCRIPTION = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:0f1e2d3c-0000-0000-0000-000000000000">
<Instrument ID="Instrument:0"><Objective ID="Objective:0" LensNA="1.4" NominalMagnification="63.0"/></Instrument>
<Image ID="Image:0" Name="nuclei"><AcquisitionDate>2024-01-02T03:04:05</AcquisitionDate>
<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SignificantBits="12" SizeX="{X}" SizeY="{Y}" SizeC="1"
SizeZ="{Z}" SizeT="1" PhysicalSizeX="108" PhysicalSizeXUnit="nm" PhysicalSizeY="108" PhysicalSizeYUnit="nm"
BigEndian="true"><Channel ID="Channel:0:0" Name="DAPI" EmissionWavelength="461"/><TiffData IFD="0" PlaneCount="{Z}"/>
<Plane TheC="0" TheT="0" TheZ="0" ExposureTime="0.02"/></Pixels></Image>
<StructuredAnnotations><CommentAnnotation ID="Annotation:0"><Value>blå</Value></CommentAnnotation>
</StructuredAnnotations>
</OME>"""


def values(*shape: int, dtype: str = "uint16") -> np.ndarray:
    return (np.random.default_rng(0).random(shape) * 250).astype(dtype)


def copied(source: Path, target: Path, **options: object) -> None:
    stack = open_stack(source)
    with create_stack(target, stack, **options) as out:
        out[...] = stack.data[...].astype(options.get("dtype", stack.dtype))


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(("axes", "shape"), [("YX", (24, 30)), ("YXS", (24, 30, 3)), ("ZYX", (5, 24, 30))])
@pytest.mark.parametrize("form", ["ome", "imagej"])
def test_planes_and_colors(tmp_path: Path, form: str, axes: str, shape: tuple[int, ...], compression: str) -> None:
    dtype = "uint8" if axes == "YXS" else "uint16"
    samples = values(*shape, dtype=dtype)
    source, target = tmp_path / "in.tif", tmp_path / "out.tif"
    sizes = {"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1} if form == "ome" else {"unit": "um", "min": 5.0, "max": 99.0}
    options = {form: True, "metadata": {"axes": axes, **sizes}, "resolution": (10, 10)}
    photometric = "rgb" if axes == "YXS" else "minisblack"
    if form == "imagej" and compression:
        pytest.skip("ImageJ writes no compressed files")
    tifffile.imwrite(source, samples, photometric=photometric, compression=compression, **options)
    assert is_stack(source)
    stack = open_stack(source)
    assert (stack.axes, stack.shape, stack.format) == (axes, shape, form)
    assert stack.voxel_size == pytest.approx({"X": 0.1, "Y": 0.1})
    assert stack.notes == (("its DEFLATE compression was left out: a stack is written in parts",) * bool(compression))
    np.testing.assert_array_equal(stack.data[2:5], samples[2:5])
    copied(source, target)
    assert open_stack(target).voxel_size == stack.voxel_size
    with tifffile.TiffFile(source) as before, tifffile.TiffFile(target) as after:
        np.testing.assert_array_equal(after.asarray(), samples)
        assert after.series[0].axes == axes
        assert after.pages[0].tags["XResolution"].value == before.pages[0].tags["XResolution"].value
        assert (after.is_ome, after.is_imagej) == (before.is_ome, before.is_imagej)
        if form == "imagej":
            assert after.imagej_metadata == before.imagej_metadata


@pytest.mark.parametrize(("shape", "dtype"), [((24, 30), "uint16"), ((5, 24, 30), "uint16"), ((24, 30), "float32")])
def test_everything_that_ome_says_is_kept(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    source, target = tmp_path / "in.ome.tif", tmp_path / "out.ome.tif"
    depth = shape[0] if len(shape) == 3 else 1
    description = DESCRIPTION.format(X=30, Y=24, Z=depth)
    samples = values(*shape)
    tifffile.imwrite(source, samples, byteorder=">", photometric="minisblack", metadata=None, description="x")
    tifffile.tiffcomment(source, description.encode())
    assert is_stack(source)
    stack = open_stack(source)
    assert (stack.axes, stack.channels) == ("ZYX" if depth > 1 else "YX", ("DAPI",))
    assert stack.voxel_size == pytest.approx({"X": 0.108, "Y": 0.108})
    copied(source, target, dtype=np.dtype(dtype))
    again = open_stack(target)
    assert (again.axes, again.channels, again.dtype) == (stack.axes, stack.channels, np.dtype(dtype))
    assert again.voxel_size == stack.voxel_size
    np.testing.assert_array_equal(tifffile.imread(target), samples)
    before = ElementTree.fromstring(description.encode())
    after = ElementTree.fromstring(tifffile.tiffcomment(target))
    for path in ("Instrument/Objective", "Image/Pixels/Channel", "Image/Pixels/Plane"):
        path = "/".join(OME + name for name in path.split("/"))
        assert after.find(path).attrib == before.find(path).attrib
    assert after.find(f"{OME}Image/{OME}AcquisitionDate").text == "2024-01-02T03:04:05"
    assert after.find(f".//{OME}Value").text == "blå"
    pixels = after.find(f"{OME}Image/{OME}Pixels").attrib
    assert (pixels["Type"], pixels["SizeZ"], pixels["PhysicalSizeXUnit"]) == (
        "float" if dtype == "float32" else "uint16",
        str(depth),
        "nm",
    )
    assert ("SignificantBits" in pixels) == (dtype == "uint16")
    assert "UUID" not in after.attrib


def test_sizes_that_were_changed_are_written(tmp_path: Path) -> None:
    for form in ("ome", "imagej"):
        source, target = tmp_path / f"{form}.tif", tmp_path / f"{form}-out.tif"
        metadata = {"axes": "YX", "unit": "nm", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1}
        tifffile.imwrite(source, values(9, 8), **{form: True}, metadata=metadata, resolution=(0.01, 0.01))
        stack = replace(open_stack(source), voxel_size={"Y": 0.2, "X": 0.4})
        with create_stack(target, stack) as out:
            out[...] = stack.data[...]
        assert open_stack(target).voxel_size == pytest.approx({"Y": 0.2, "X": 0.4})


def test_imagej_units_that_are_no_lengths(tmp_path: Path) -> None:
    metadata = {"axes": "ZYX", "unit": "pixel", "spacing": 2.0, "Info": "by hand\nof two lines", "Labels": ["a", "b"]}
    tifffile.imwrite(tmp_path / "a.tif", values(2, 9, 8), imagej=True, metadata=metadata, resolution=(3, 4))
    assert open_stack(tmp_path / "a.tif").voxel_size == {}
    copied(tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as before, tifffile.TiffFile(tmp_path / "b.tif") as after:
        assert after.imagej_metadata == before.imagej_metadata
        assert after.pages[0].tags["YResolution"].value == (4, 1)


def test_inverted_counts_stay_inverted(tmp_path: Path) -> None:
    samples = values(9, 8)
    tifffile.imwrite(tmp_path / "a.tif", samples, imagej=True, photometric="miniswhite", metadata={"axes": "YX"})
    copied(tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as after:
        assert after.pages[0].photometric == tifffile.PHOTOMETRIC.MINISWHITE
        np.testing.assert_array_equal(after.asarray(), samples)


def test_a_palette_is_a_picture(tmp_path: Path) -> None:
    palette = np.arange(768, dtype=np.uint16).reshape(3, 256) * 80
    tifffile.imwrite(tmp_path / "a.tif", values(9, 8, dtype="uint8"), imagej=True, colormap=palette)
    assert not is_stack(tmp_path / "a.tif")


def test_what_is_left_out_is_noted(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as tiff:
        tiff.write(values(64, 64), subifds=1, metadata={"axes": "YX"})
        tiff.write(values(32, 32), subfiletype=1)
        tiff.write(values(20, 20), metadata={"axes": "YX"})
    assert open_stack(tmp_path / "a.ome.tif").notes == (
        "1 more series in it was left out",
        "its pyramid of smaller pictures was left out",
    )


@pytest.mark.parametrize("damage", ["<OME", "<OME></OME>", "<OME><Image/></OME>"])
def test_damaged_descriptions(tmp_path: Path, damage: str) -> None:
    tifffile.imwrite(tmp_path / "a.ome.tif", values(9, 8), metadata={"axes": "YX"})
    tifffile.tiffcomment(tmp_path / "a.ome.tif", f"{damage}<!--{'x' * 900}--></OME>".encode())
    if is_stack(tmp_path / "a.ome.tif"):
        with pytest.raises(ValueError, match=r"cannot read .*a\.ome\.tif") as caught:
            open_stack(tmp_path / "a.ome.tif")
        assert "\n" not in str(caught.value)


def test_a_plane_that_is_missing_is_black(tmp_path: Path) -> None:
    samples = values(3, 24, 30)
    tifffile.imwrite(tmp_path / "a.ome.tif", samples[:2], photometric="minisblack", metadata=None, description="x")
    description = DESCRIPTION.format(X=30, Y=24, Z=3).replace('PlaneCount="3"', 'PlaneCount="2"')
    tifffile.tiffcomment(tmp_path / "a.ome.tif", description.encode())
    stack = open_stack(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(stack.data[:, 4], [samples[0, 4], samples[1, 4], np.zeros(30)])


def test_a_description_that_grows_without_end(tmp_path: Path) -> None:
    """Entities that name entities: the parser counts what they grow to."""
    entities = '<!ENTITY a0 "aaaaaaaaaa">'
    entities += "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    bomb = DESCRIPTION.format(X=8, Y=9, Z=1).replace("<OME ", f"<!DOCTYPE OME [{entities}]><OME ", 1)
    bomb = bomb.replace("2024-01-02T03:04:05", "&a9;")
    tifffile.imwrite(tmp_path / "a.tif", values(9, 8), photometric="minisblack", metadata=None, description="x")
    tifffile.tiffcomment(tmp_path / "a.tif", bomb.encode())
    assert photo.read(tmp_path / "a.tif").pixels.shape == (9, 8)
    if is_stack(tmp_path / "a.tif"):
        with pytest.raises(ValueError, match=r"cannot read .*a\.tif"):
            open_stack(tmp_path / "a.tif")


def test_notes_reach_the_result(tmp_path: Path) -> None:
    source = tmp_path / "in.ome.tif"
    tifffile.imwrite(source, values(24, 30), metadata={"axes": "YX"}, compression="zlib")
    made = deblur.restore_stack(source, deblur.psf.gaussian(1), tmp_path / "out.ome.tif", method="wiener")
    assert "its DEFLATE compression was left out: a stack is written in parts" in made.details["notes"]
