"""Stacks whose metadata say something else than their files hold: a remark or one clear line, and nothing lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from deblur.stack import open_stack


def _ome(path: Path, planes: int, compression: str | None) -> Path:
    """Write six planes, of which the metadata describe another number."""
    pixels = np.random.default_rng(0).integers(1, 200, (6, 24, 30)).astype(np.uint8)
    tifffile.imwrite(path, pixels, photometric="minisblack", compression=compression, metadata={"axes": "ZYX"})
    said = tifffile.tiffcomment(path).replace('SizeZ="6"', f'SizeZ="{planes}"')
    tifffile.tiffcomment(path, said.encode())
    return path


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_planes_that_the_metadata_do_not_describe_are_remarked_on(tmp_path: Path, compression: str | None) -> None:
    stack = open_stack(_ome(tmp_path / "a.ome.tif", 3, compression))
    assert stack.shape == (3, 24, 30)
    assert "3 of its 6 pages, which its metadata do not describe, were left out" in stack.notes


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_planes_that_are_missing_are_remarked_on(tmp_path: Path, compression: str | None) -> None:
    stack = open_stack(_ome(tmp_path / "a.ome.tif", 9, compression))
    assert "3 of the 9 planes that its metadata describe are missing, and black" in stack.notes
    assert not stack.data[8].any()


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_most_planes_missing_is_an_error(tmp_path: Path, compression: str | None) -> None:
    with pytest.raises(ValueError, match="its metadata describe 1000000 planes, and 6 are there"):
        open_stack(_ome(tmp_path / "a.ome.tif", 1_000_000, compression))


def test_a_whole_stack_has_no_remark_on_its_planes(tmp_path: Path) -> None:
    assert open_stack(_ome(tmp_path / "a.ome.tif", 6, None)).notes == ()


def test_pages_without_width(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones((3, 8, 9), np.uint8), photometric="minisblack", metadata=None)
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        for page in tiff.pages:
            at = page.tags[256].valueoffset
            data[at : at + 2] = bytes(2)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"cannot read .*a\.tif: it (has no pixels|is damaged)"):
        open_stack(path)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({}, "a group that describes no picture"),
        ({"multiscales": []}, "a group that describes no picture"),
        ({"multiscales": [{"axes": ["y", "x"], "datasets": []}]}, "a group that describes no picture"),
        (
            {"multiscales": [{"axes": ["y", "x"], "datasets": [{"path": "0"}]}]},
            "the array '0', which is not in it",
        ),
    ],
)
def test_zarr_groups_without_a_picture(tmp_path: Path, attributes: dict[str, Any], reason: str) -> None:
    zarr = pytest.importorskip("zarr", reason="needs the extra zarr")
    zarr.create_group(tmp_path / "a.zarr", zarr_format=2).attrs.update(attributes)
    with pytest.raises(ValueError, match=reason):
        open_stack(tmp_path / "a.zarr")


def test_a_zarr_folder_of_absurd_size(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr", reason="needs the extra zarr")
    zarr.create_array(tmp_path / "a.zarr", shape=(10**6, 10**5, 10**5), chunks=(1, 1000, 1000), dtype="uint16")
    with pytest.raises(ValueError, match="declares 1000000 x 100000 x 100000 samples, and its files hold only"):
        open_stack(tmp_path / "a.zarr")
    zarr.create_array(tmp_path / "b.zarr", shape=(10, 50, 50), chunks=(1, 50, 50), dtype="uint16")
    assert not open_stack(tmp_path / "b.zarr").data[3].any()
