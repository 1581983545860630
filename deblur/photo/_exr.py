"""OpenEXR, where OpenCV was built with it."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from deblur.photo._opencv import decode, in_its_order
from deblur.photo._stored import Encoding, Stored


def read_exr(path: Path) -> Stored:
    """Read gray or color, with or without alpha, in 32-bit floating point."""
    _check_support()
    samples = decode(path.read_bytes())
    if samples is None:
        raise ValueError("it is damaged, or of a kind of EXR that OpenCV does not decode")
    return Stored(samples[None].astype(np.float32), has_alpha=samples.shape[-1] == 4, linear=True)


def write_exr(path: Path, stored: Stored, encoding: Encoding) -> None:
    """Write samples as they are."""
    _check_support()
    page = stored.samples[0]
    if len(stored.samples) > 1 or page.shape[-1] > 4:
        raise ValueError("an .exr file has one page of gray or color; write a TIFF")
    path.write_bytes(cv2.imencode(".exr", in_its_order(page))[1].tobytes())


def _check_support() -> None:
    built = next((line for line in cv2.getBuildInformation().splitlines() if "OpenEXR:" in line), "NO")
    if built.split()[-1] == "NO":
        raise ValueError("this OpenCV was built without OpenEXR; convert it to a float TIFF first")
    os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")  # OpenCV reads it at the first use of the format
