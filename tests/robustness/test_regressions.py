"""One case of every fault that the robustness commands have found."""

import asyncio
import io
import json
import os
import subprocess
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
import torch

import deblur
import nmf
from deblur import psf
from deblur.benchmark import Results
from deblur.benchmark._cache import Cache
from deblur.benchmark._cards import parse_card
from deblur.networks import load
from deblur.stack import Stack, create_stack, is_stack, open_stack


def test_subpackages_are_there_without_an_import_of_their_own() -> None:
    assert {"blind", "networks"} <= set(deblur.__all__)


def npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ones((3, 3)))
    return buffer.getvalue()


def test_a_npy_file_whose_header_does_not_end(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(npy().replace(b"'shape': (3, 3), }", b"'shape': (3, 3(( ("))
    with pytest.raises(ValueError, match=r"a\.npy: not a readable"):
        psf.load(tmp_path / "a.npy")


@pytest.mark.parametrize("at", [-1, -9, -13, -17, 30])
def test_libraries_print_nothing_about_a_damaged_png(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], at: int
) -> None:
    data = bytearray(cv2.imencode(".png", np.full((9, 9), 40_000, np.uint16))[1].tobytes())
    data[at] ^= 1
    (tmp_path / "a.png").write_bytes(data)
    for read in (psf.load, deblur.photo.read):
        with suppress(ValueError):
            read(tmp_path / "a.png")
    assert capfd.readouterr() == ("", "")


def stack_file(folder: Path, compression: str | None = None) -> Path:
    path = folder / "a.ome.tif"
    pixels = np.random.default_rng(0).integers(0, 9, (3, 24, 30)).astype(np.uint8)
    tifffile.imwrite(path, pixels, photometric="minisblack", compression=compression, metadata={"axes": "ZYX"})
    return path


def test_compressed_pages_that_are_damaged(tmp_path: Path) -> None:
    path = stack_file(tmp_path, "zlib")
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        data[tiff.pages.first.dataoffsets[0] + 40] ^= 255
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"cannot read .*a\.ome\.tif: "):
        open_stack(path).data[0]


@pytest.mark.parametrize("tag", [256, 257])
def test_a_tiff_without_its_sides(tmp_path: Path, tag: int, capfd: pytest.CaptureFixture[str]) -> None:
    path = stack_file(tmp_path)
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages.first.tags[tag].offset
    data[offset : offset + 2] = b"\xff\x7f"
    path.write_bytes(data)
    assert isinstance(is_stack(path), bool)
    assert capfd.readouterr() == ("", "")


def lead_in_a_circle(path: Path, to: int) -> None:
    """Let the second page of a TIFF be followed by that page."""
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        pages = [page.offset for page in tiff.pages]
    end = pages[1] + 2 + 12 * int.from_bytes(data[pages[1] : pages[1] + 2], "little")
    data[end : end + 4] = pages[to].to_bytes(4, "little")
    path.write_bytes(data)


@pytest.mark.parametrize("ome", [True, False])
def test_tiff_pages_that_lead_in_a_circle(tmp_path: Path, ome: bool) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((2, 24, 30), np.uint8), photometric="minisblack", ome=ome)
    lead_in_a_circle(path, to=0)
    with pytest.raises(ValueError, match="circular"):
        deblur.photo.read(path)
    assert open_stack(path).shape == (2, 24, 30)
    assert is_stack(path) is ome
    with pytest.raises(ValueError, match=r"all zero|one channel"):
        psf.load(path)


def test_thumbnails_that_lead_in_a_circle_do_not_hold_up_the_page(tmp_path: Path) -> None:
    pytest.importorskip("starlette", reason="the page needs the extra web")
    from deblur.web._limits import suffix_of

    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        for kind in (0, 1):
            tiff.write(np.zeros((24, 30), np.uint8), photometric="minisblack", subfiletype=kind)
    lead_in_a_circle(path, to=1)
    assert suffix_of(path.read_bytes(), 1000) == ".tif"


@pytest.mark.parametrize("change", [{"axes": None}, {"axes": [{"name": "y"}]}, {"axes": [{}]}, {"datasets": [5]}])
def test_zarr_folders_that_describe_themselves_wrongly(tmp_path: Path, change: dict[str, Any]) -> None:
    zarr = pytest.importorskip("zarr", reason="needs the extra zarr")
    group = zarr.create_group(tmp_path / "a.zarr", zarr_format=2)
    group.create_array("0", shape=(4, 5), dtype="uint8")
    described = {"axes": [{"name": "y"}, {"name": "x"}], "datasets": [{"path": "0"}]} | change
    group.attrs.update({"multiscales": [{name: value for name, value in described.items() if value is not None}]})
    with pytest.raises(ValueError, match=r"cannot read .*a\.zarr: it is neither"):
        open_stack(tmp_path / "a.zarr")


def test_zarr_chunks_that_are_damaged(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr", reason="needs the extra zarr")
    zarr.create_array(tmp_path / "a.zarr", data=np.arange(20.0).reshape(4, 5), chunks=(4, 5), zarr_format=3)
    chunk = next(path for path in (tmp_path / "a.zarr").rglob("*") if path.is_file() and path.name != "zarr.json")
    chunk.write_bytes(b"no chunk")
    with pytest.raises(ValueError, match=r"cannot read .*a\.zarr: "):
        open_stack(tmp_path / "a.zarr").data[0]


@pytest.mark.parametrize(
    "change",
    [{"scores": {}}, {"scores": {"psnr": "30"}}, {"scores": 5}, {"noise": None}, {"method": 3}, {"seconds": True}],
)
def test_lines_of_a_run_that_could_not_be_reported_are_left_out(tmp_path: Path, change: dict[str, Any]) -> None:
    row = {"method": "a", "noise": 0.0, "image": "b", "psf": "c", "scores": {"psnr": 30.0}, "seconds": 0.1}
    lines = [{"key": "good", "row": row}, {"key": "bad", "row": row | change}]
    text = "\n".join(map(json.dumps, lines)) + "\n" + "[" * 100_000 + "\n" + "1" * 5000
    (tmp_path / "cases.jsonl").write_text(text)
    rows = Cache(tmp_path).rows()
    assert list(rows) == ["good"]
    assert Results("folder", 1, tuple(rows.values())).as_json()["summary"][0]["psnr"] == 30


def test_a_card_that_is_nested_too_deep() -> None:
    with pytest.raises(ValueError, match="the card mine cannot be read"):
        parse_card("mine", "a = " + "[" * 100_000)


def test_weights_are_never_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    torch.save({"w": Trap()}, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="no safetensors file"):
        load(tmp_path / "a.safetensors")
    assert not (tmp_path / "sprung").exists()


def test_metadata_are_decompressed_no_further_than_reason(tmp_path: Path) -> None:
    """A PNG with 200 MB of text in 200 kB."""
    data = cv2.imencode(".png", np.zeros((9, 9), np.uint8))[1].tobytes()
    content = b"Comment\0\0" + zlib.compress(bytes(200_000_000), 1)
    chunk = len(content).to_bytes(4, "big") + b"zTXt" + content + zlib.crc32(b"zTXt" + content).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(data[:33] + chunk + data[33:])
    with pytest.raises(ValueError, match=r"cannot read .*a\.png"):
        deblur.photo.read(tmp_path / "a.png")


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "null", "http://localhost:8000.evil.example"])
def test_origins_that_are_none_are_refused(origin: str) -> None:
    pytest.importorskip("starlette", reason="the page needs the extra web")
    from starlette.responses import PlainTextResponse

    from deblur.web._guard import Guard

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost:8000"), (b"origin", origin.encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    asyncio.run(Guard(PlainTextResponse("yes"), ("localhost",))(scope, None, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 403


@pytest.mark.parametrize("value", [10**400, -(10**400), 1e308, float("nan")])
def test_numbers_beyond_all_bounds_are_refused(value: float) -> None:
    pytest.importorskip("starlette", reason="the page needs the extra web")
    from deblur.web import _validation
    from deblur.web._limits import RefusedError

    with pytest.raises(RefusedError, match="must be from"):
        _validation.number({"radius": value}, "radius", 0.5, 60)


@pytest.mark.parametrize(("scale", "dtype"), [(1e-310, np.float64), (1e-30, np.float64), (1e-17, np.float32)])
def test_pictures_too_faint_to_compute_with_are_refused(scale: float, dtype: type) -> None:
    picture = (np.random.default_rng(0).random((20, 24)) * scale).astype(dtype)
    for restore in (deblur.nonblind.unrolled, deblur.nonblind.wiener):
        with pytest.raises(ValueError, match=r"image has values up to .*, too small to compute with; divide it by"):
            restore(picture, psf.gaussian(1))
    with pytest.raises(ValueError, match="too small to compute with"):
        deblur.blind.richardson_lucy(picture, 3)


@pytest.mark.parametrize("gain", [1e-50, 1e-30, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_psf_whose_sum_is_far_from_one_is_refused(gain: float, dtype: type) -> None:
    picture = np.random.default_rng(0).random((20, 24)).astype(dtype)
    with pytest.raises(ValueError, match=r"psf has a sum of .*too far from 1 to compute with; psf.normalize makes it"):
        deblur.nonblind.wiener(picture, psf.gaussian(1) * gain)
    assert np.isfinite(deblur.nonblind.wiener(picture, psf.normalize(psf.gaussian(1) * gain))).all()


@pytest.mark.parametrize(("scale", "dtype"), [(1e30, np.float32), (1e300, np.float64)])
def test_pictures_whose_spectrum_would_overflow_are_refused(scale: float, dtype: type) -> None:
    picture = (np.random.default_rng(0).random((20, 24)) * scale).astype(dtype)
    with pytest.raises(ValueError, match=r"image has values up to .*, too large to compute with"):
        deblur.nonblind.wiener(picture, psf.gaussian(1))


@pytest.mark.parametrize("kind", [nmf.NMF, nmf.NMFD])
def test_denormal_data_are_refused(kind: type) -> None:
    with pytest.raises(ValueError, match="too small to compute with"):
        kind((5, 6), 2).fit(np.full((5, 6), 1e-310))


@pytest.mark.parametrize(
    "suffix", [*(".jpg", ".png", ".webp", ".tif"), *(".avif", ".heic", ".jp2", ".bmp", ".pgm", ".fits")]
)
def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    for name in {".heic": ["pillow_heif"], ".fits": ["astropy.io.fits"]}.get(suffix, []):
        pytest.importorskip(name, reason="needs the extra formats")
    resource = pytest.importorskip("resource", reason="needs POSIX limits")
    picture = deblur.photo.Photo(np.random.default_rng(0).random((24, 30)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, limits[1]))
    try:
        with pytest.raises(OSError, match=r"File too large|No space left"):
            deblur.photo.write(tmp_path / f"a{suffix}", picture)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    conditions = pytest.importorskip(
        "tests.robustness._conditions", reason="needs a POSIX system", exc_type=ImportError
    )
    folder = tmp_path / "disk"
    if not conditions.mount_small_disk(folder):
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def write_a_stack(path: Path) -> None:
    described = Stack(np.zeros((4, 300, 300), np.float32), "ZYX", {"Z": 0.3}, format="ome")
    with create_stack(path, described, dtype=np.float32) as samples:
        samples[:] = 1  # through a map of the file: a bus error if it had no place on the disk


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.npy", lambda path: psf.save(path, np.ones((300, 300)))),
        ("a.tif", lambda path: psf.save(path, np.ones((300, 300)))),
        ("b.tif", lambda path: deblur.photo.write(path, deblur.photo.Photo(np.ones((700, 700))))),
        ("b.ome.tif", write_a_stack),
    ],
)
def test_a_full_disk_is_named_with_the_file_that_did_not_fit(
    small_disk: Path, name: str, write: Callable[[Path], None]
) -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        write(small_disk / name)
    assert caught.value.filename == str(small_disk / name)
    assert list(small_disk.iterdir()) == []


def test_a_stack_has_its_place_on_the_disk_before_it_is_filled(tmp_path: Path) -> None:
    if not hasattr(os, "posix_fallocate"):
        pytest.skip("this system cannot reserve")
    described = Stack(np.zeros((4, 300, 300), np.float32), "ZYX", {"Z": 0.3}, format="ome")
    with create_stack(tmp_path / "a.ome.tif", described, dtype=np.float32):
        (temporary,) = tmp_path.iterdir()
        assert temporary.stat().st_blocks * 512 >= 4 * 300 * 300 * 4


def test_pixels_without_a_size(tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    metadata = {"axes": "ZYX", "unit": "um", "spacing": 0.3}
    tifffile.imwrite(path, np.ones((3, 8, 8), np.uint16), imagej=True, resolution=(1, 1), metadata=metadata)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages[0].tags["XResolution"].overwrite((1, 0))
    opened = open_stack(path)
    assert opened.voxel_size.keys() == {"Z", "Y"}
    with create_stack(tmp_path / "out.tif", opened) as out:
        out[:] = opened.data[:]
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), 1)
