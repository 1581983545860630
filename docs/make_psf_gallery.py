"""Draw docs/images/psf.png, one picture of each point-spread function: python docs/make_psf_gallery.py."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from deblur import psf

SPECS = [
    "gaussian:sigma=4",
    "gaussian:sigma=1.5x6,angle=30",
    "disk:radius=12",
    "airy:radius=6",
    "motion:length=31,angle=30",
    "camera_shake:length=31,seed=14",
]
PIXELS, ZOOM, COLUMNS = 41, 7, 3


def panel(spec: str) -> np.ndarray:
    """Return one labeled picture, 8-bit gray on white."""
    kernel = psf.parse(f"{spec},shape={PIXELS}")
    shown = np.rint(255 * np.sqrt(kernel / kernel.max())).astype(np.uint8)  # the square root shows faint light
    picture = cv2.resize(shown, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_NEAREST)
    picture = cv2.copyMakeBorder(picture, 8, 34, 8, 8, cv2.BORDER_CONSTANT, value=255)
    where = (8, picture.shape[0] - 12)
    return cv2.putText(picture, spec, where, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 0, 1, cv2.LINE_AA)


def main() -> None:
    """Write the gallery."""
    panels = [panel(spec) for spec in SPECS]
    rows = [np.hstack(panels[start : start + COLUMNS]) for start in range(0, len(panels), COLUMNS)]
    path = Path(__file__).parent / "images" / "psf.png"
    path.parent.mkdir(exist_ok=True)
    if not cv2.imwrite(str(path), np.vstack(rows), [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        raise OSError(f"cannot write {path}")


if __name__ == "__main__":
    main()
