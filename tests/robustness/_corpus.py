"""Valid files and texts, from which the damaged ones are made."""

from __future__ import annotations

import io
import json
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy.io
import tifffile
from PIL import Image

_NOISE = np.random.default_rng(0).integers(0, 256, (24, 30, 3), np.uint8)
_GRAY = _NOISE[..., 0]


def _pillow(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x011A] = 6, "Camera", 72.0
    if kind in ("JPEG", "PNG", "WEBP"):
        options |= {"exif": exif}
    Image.fromarray(_NOISE).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def _tiff(array: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


@cache
def pictures() -> dict[str, bytes]:
    """Return small pictures by file name: every format, in each of its encodings."""
    deep, stack = _GRAY.astype(np.uint16) * 257, np.stack([_GRAY] * 3)
    sizes = {"axes": "ZYX", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1, "PhysicalSizeZ": 0.3}
    return {
        "baseline.jpg": _pillow("JPEG", dpi=(300, 300)),
        "progressive.jpg": _pillow("JPEG", progressive=True, subsampling="4:2:0"),
        "gray.jpg": _pillow("JPEG", "L"),
        "color.png": _pillow("PNG", dpi=(300, 300)),
        "palette.png": _pillow("PNG", "P"),
        "alpha.png": _pillow("PNG", "RGBA"),
        "deep.png": cv2.imencode(".png", deep)[1].tobytes(),
        "lossless.webp": _pillow("WEBP", lossless=True),
        "lossy.webp": _pillow("WEBP"),
        "plain.tif": _tiff(_NOISE, photometric="rgb", metadata=None),
        "zlib.tif": _tiff(deep, compression="zlib", predictor=2, metadata=None),
        "tiles.tif": _tiff(_NOISE, photometric="rgb", tile=(16, 16), metadata=None),
        "lzw.tif": _pillow("TIFF", compression="tiff_lzw"),
        "palette.tif": _pillow("TIFF", "P"),
        "float.tif": _tiff(_GRAY.astype(np.float32) / 255, metadata=None, byteorder=">"),
        "big.tif": _tiff(deep, bigtiff=True, metadata=None),
        "pages.tif": _tiff(stack, photometric="minisblack", metadata=None),
        "cells.ome.tif": _tiff(stack.astype(np.uint16), ome=True, photometric="minisblack", metadata=sizes),
        "zip.ome.tif": _tiff(stack, ome=True, photometric="minisblack", compression="zlib", metadata={"axes": "ZYX"}),
        "hyper.tif": _tiff(stack, imagej=True, metadata={"axes": "ZYX", "unit": "um", "spacing": 0.3}),
    }


@cache
def psf_files() -> dict[str, bytes]:
    """Return small PSFs by file name."""
    values = np.outer([1, 2, 1], [1, 3, 1]) / 20
    files = {
        "psf.tif": _tiff(values.astype(np.float32)),
        "psf.png": cv2.imencode(".png", (values * 400).astype(np.uint16))[1].tobytes(),
    }
    for name, array in (("psf.npy", values), ("single.npy", values.astype(np.float32)), ("whole.npy", _GRAY[:5, :5])):
        buffer = io.BytesIO()
        np.save(buffer, array)
        files[name] = buffer.getvalue()
    return files | {
        "psf.csv": b"0.05;0,15;0,05\n0,1;0,3;0,1\n",
        "psf.txt": b"# by hand\n0.05 0.15 0.05\n0.1 0.3 0.1\n",
        "psf.bmp": _pillow("BMP", "L"),
        "psf.jpg": _pillow("JPEG", "L"),
        "cells.ome.tif": pictures()["cells.ome.tif"],
        **_matlab(values),
        **_fits(values),
    }


def _matlab(values: np.ndarray) -> dict[str, bytes]:
    files = {}
    for name, packed in (("psf.mat", False), ("packed.mat", True)):
        buffer = io.BytesIO()
        scipy.io.savemat(buffer, {"psf": values, "note": "x", "cells": {"a": 1}}, do_compression=packed)
        files[name] = buffer.getvalue()
    if find_spec("h5py"):
        import h5py

        buffer = io.BytesIO()
        with h5py.File(buffer, "w", userblock_size=512) as file:
            file.create_dataset("psf", data=values, compression="gzip").attrs["MATLAB_class"] = np.bytes_("double")
        files["hdf5.mat"] = buffer.getvalue()
    return files


def _fits(values: np.ndarray) -> dict[str, bytes]:
    if not find_spec("astropy"):
        return {}
    from astropy.io import fits

    files = {}
    for name, units in (
        ("psf.fits", [fits.PrimaryHDU(values)]),
        ("later.fit", [fits.PrimaryHDU(), fits.ImageHDU(_GRAY)]),
    ):
        buffer = io.BytesIO()
        fits.HDUList(units).writeto(buffer)
        files[name] = buffer.getvalue()
    return files


@cache
def weights() -> dict[str, bytes]:
    """Return small networks as files."""
    from deblur.networks import UDN, Denoiser, save

    made: dict[str, tuple[Any, dict[str, Any]]] = {
        "udn.safetensors": (UDN(1, width=4), {"depth": 1, "width": 4}),
        "denoiser.safetensors": (
            Denoiser(widths=(8, 16), depths=(1, 1), decoder_depth=1),
            {"widths": (8, 16), "depths": (1, 1), "decoder_depth": 1},
        ),
    }
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (network, settings) in made.items():
            save(Path(folder, name), network, settings)
            files[name] = Path(folder, name).read_bytes()
    return files


@cache
def zarr_folders() -> dict[str, dict[str, bytes]]:
    """Return stacks as the files of their folders."""
    import zarr

    from deblur.stack import Stack, create_stack

    stack = Stack(np.stack([_GRAY] * 2).astype(np.uint16), "ZYX", {"Z": 0.3, "Y": 0.1, "X": 0.1}, ("green",), "ome")
    folders = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, form in (("four", 2), ("five", 3)):
            path = Path(folder, f"{name}.zarr")
            like = Stack(stack.data, "ZYX", stack.voxel_size, (), "zarr", {"zarr_format": form, "ome": True})
            with create_stack(path, like) as out:
                out[:] = stack.data
        zarr.create_array(Path(folder, "bare.zarr"), data=_GRAY, zarr_format=3)
        for path in Path(folder).iterdir():
            inside = sorted(each for each in path.rglob("*") if each.is_file())
            folders[path.name] = {str(each.relative_to(path)): each.read_bytes() for each in inside}
    return folders


SPECS = (
    "gaussian:sigma=2",
    "gaussian:sigma=4x1,angle=30",
    "disk:radius=4,shape=11x13",
    "motion:length=15,angle=30",
    "camera_shake:length=21,seed=4",
    "airy:radius=4",
    "born_wolf:wavelength=0.51,na=0.8,voxel_size=0.3x0.1x0.1,index=1,shape=5x9x9",
    "gibson_lanni:wavelength=0.51,na=1.4,voxel_size=0.2x0.06x0.06,depth=5,shape=5x9x9",
    "confocal:wavelength=.51,excitation=.49,na=1.2,voxel_size=.2x.1x.1,pinhole=1,shape=5x9x9",
)

CARD = """title = "Mine"
license = "MIT"
permits = "All."
traps = ["one", "two"]
citation = '''@misc{mine}'''
[[files]]
path = "mine/a.bin"
url = "https://example.org/a.bin"
sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
bytes = 12
"""

ROW = {"method": "wiener", "noise": 0.01, "image": "im1", "psf": "k1", "scores": {"psnr": 30.0, "ssim": 0.9}}

CASES = "\n".join(json.dumps({"key": f"key{n}", "row": {**ROW, "image": f"im{n}", "seconds": 0.1}}) for n in range(3))
"""The cache of a benchmark's run, one line per case."""

RESULTS = json.dumps({"protocol": "folder", "version": 1, "rows": [{"method": "wiener", "psnr": 30.0}], "summary": []})
"""A benchmark's results.json."""

ARGUMENTS: tuple[tuple[str, ...], ...] = (
    ("restore", "good.png", "--psf", "disk:radius=1", "--method", "wiener", "-o", "out.png"),
    ("restore", "good.png", "--psf", "psf.npy", "--noise-level", "0.01", "--method", "wiener", "--json"),
    ("restore", "good.png", "good.tif", "--psf", "psf.npy", "-o", "out/", "--method", "wiener", "--linear"),
    ("restore", "cells.ome.tif", "--psf", "psf.npy", "--method", "richardson-lucy", "--iterations", "3"),
    ("restore", "good.tif", "--psf", "psf.npy", "--method", "wiener", "--memory", "4G", "-o", "out.tif", "--force"),
    ("psf", "make", "disk:radius=2", "-o", "new.npy"),
    ("psf", "show", "motion:length=5,angle=30", "-o", "drawn.png"),
    ("psf", "beads", "cells.ome.tif", "--size", "3x5x5", "-o", "beads.tif"),
    ("datasets", "info", "set14"),
    ("datasets", "list"),
    ("export", "missing.safetensors", "--onnx", "missing/out.onnx", "--size", "64"),
    ("train", "denoiser", "--resume", "missing", "--steps", "4", "--minutes", "0"),
    ("bench", "folder", "--images", "none", "--psfs", "psf.npy", "--method", "wiener", "--limit", "1", "--noise", "0"),
    ("--version",),
)
