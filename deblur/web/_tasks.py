"""Tasks of the page's worker processes: everything that decodes, computes and encodes."""

from __future__ import annotations

import base64
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import deblur
from deblur import photo, psf
from deblur._core.drawing import psf_image
from deblur._core.progress import Progress
from deblur._examples.pictures import EXAMPLES
from deblur.photo import Photo
from deblur.web._limits import MEGA, SEVERAL_PAGES, RefusedError, suffix_of

_KEPT = 2  # photographs that are kept decoded between previews
_LARGEST_PSF = MEGA  # pixels


class Tasks:
    """Tasks by name, with the photographs that were used last kept decoded.

    Parameters
    ----------
    folder : pathlib.Path
        For temporary files, for libraries that read and write only files; each is removed when its task ends.
    most_pixels : int
        Limit on a photograph's size.
    device : str
        Where to compute, see `deblur.restore`.
    """

    def __init__(self, folder: Path, most_pixels: int, device: str = "auto") -> None:
        self._folder, self._most_pixels, self._device = folder, most_pixels, device
        self._decoded: OrderedDict[str, Photo] = OrderedDict()

    def example(self, progress: Progress, which: str) -> bytes:
        """Return the file of an example."""
        return self._encoded(_picture(EXAMPLES[which].make()), ".png")

    def thumbnails(self, progress: Progress) -> dict[str, bytes]:
        """Return a small JPEG of each example."""
        import cv2

        small = {}
        for name, each in EXAMPLES.items():
            pixels = cv2.resize(each.make().astype(np.float32), (144, 108), interpolation=cv2.INTER_AREA)
            small[name] = self._encoded(_picture(pixels), ".jpg")
        return small

    def open(self, progress: Progress, key: str, data: bytes) -> dict[str, Any]:
        """Decode a photograph, and return the facts that the page shows."""
        suffix = suffix_of(data, self._most_pixels)
        opened = self._photo(key, data)
        height, width = opened.pixels.shape[:2]
        return {"suffix": suffix, "width": width, "height": height, "depth": opened.dtype.name}

    def view(self, progress: Progress, key: str, data: bytes) -> bytes:
        """Return a JPEG of a photograph that browsers cannot show."""
        opened = self._photo(key, data)
        return self._encoded(_shown(opened, _brightest(opened)), ".jpg")

    def read_psf(self, progress: Progress, data: bytes, suffix: str) -> np.ndarray:
        """Return the PSF in a file."""
        if suffix not in (".npy", ".tif", ".tiff", ".png"):
            raise RefusedError("A PSF file ends in .npy, .tif or .png.")
        if suffix != ".npy":
            suffix_of(data, _LARGEST_PSF)
        path = self._folder / f"psf{suffix}"
        try:
            path.write_bytes(data)
            loaded = psf.load(path)
        except (OSError, ValueError) as error:
            raise RefusedError(f"This PSF file cannot be used: {_without(path, error)}.") from error
        finally:
            path.unlink(missing_ok=True)
        if loaded.ndim != 2:
            raise RefusedError(f"A PSF for photographs has two axes; this one has {loaded.ndim}.")
        if loaded.size > _LARGEST_PSF:
            raise RefusedError("This PSF has more than a megapixel; cut away what is dark.")
        return loaded

    def preview(
        self,
        progress: Progress,
        key: str,
        data: bytes,
        blur: str | np.ndarray,
        noise_level: float | None,
        box: tuple[int, int, int, int],
        fine: bool,
    ) -> dict[str, Any]:
        """Restore a part of a photograph: at once by Wiener's filter, or as the whole will be."""
        opened, kernel = self._photo(key, data), _kernel(blur)
        height, width = opened.pixels.shape[:2]
        left, top = (min(max(0, at), size - 1) for at, size in zip(box[:2], (width, height), strict=True))
        right, bottom = min(width, left + box[2]), min(height, top + box[3])
        options: dict[str, Any] = {} if fine else {"method": "wiener", "saturation": None}
        made = deblur.restore_photo(
            opened,
            kernel,
            noise_level=noise_level,
            box=(slice(top, bottom), slice(left, right)),
            device=self._device,
            progress=progress,
            **options,
        )
        assert made.photo is not None
        return {
            "image": _data_url(self._encoded(_shown(made.photo, _brightest(opened)), ".jpg"), "jpeg"),
            "box": [left, top, right - left, bottom - top],
            "psf": _data_url(self._drawn(kernel), "png"),
            "psf_shape": list(kernel.shape),
            "noise_level": made.noise_level,
            "fine": fine,
        }

    def restore(
        self,
        progress: Progress,
        data: bytes,
        suffix: str,
        blur: str | np.ndarray | None,
        noise_level: float | None,
        kind_of_blur: str = "auto",
    ) -> dict[str, Any]:
        """Restore a whole photograph, exactly as `deblur restore` does."""
        progress(0.0, "reading the photo")
        opened = self._decode(data)
        kernel = None if blur is None else _kernel(blur)
        options: dict[str, Any] = {"noise_level": noise_level, "device": self._device, "progress": progress}
        made = deblur.restore_photo(opened, kernel, blur=kind_of_blur, **options)
        assert made.photo is not None
        progress(1.0, "writing the result")
        shown = self._encoded(_shown(made.photo, _brightest(opened)), ".jpg") if suffix in (".tif", ".tiff") else None
        return {
            "file": self._encoded(made.photo, suffix) if made.changed else data,
            "view": shown,
            "psf": self._drawn(made.psf),
            "facts": {
                "method": made.method,
                "noise_level": made.noise_level,
                "confidence": made.confidence,
                "certainty": made.certainty,
                "reason": made.reason,
                "changed": made.changed,
                "next_steps": made.details.get("next_steps", ()),
                "psf_shape": list(made.psf.shape),
                "seconds": round(made.seconds, 1),
            },
        }

    def _photo(self, key: str, data: bytes) -> Photo:
        """Decode, unless it was looked at lately."""
        if key not in self._decoded:
            self._decoded[key] = self._decode(data)
            while len(self._decoded) > _KEPT:
                self._decoded.popitem(last=False)
        self._decoded.move_to_end(key)
        return self._decoded[key]

    def _decode(self, data: bytes) -> Photo:
        path = self._folder / "photo"
        try:
            path.write_bytes(data)
            opened = photo.read(path)
        except ValueError as error:
            raise RefusedError(f"This picture cannot be read: {_without(path, error)}.") from error
        finally:
            path.unlink(missing_ok=True)
        if opened.pages > 1:
            raise RefusedError(SEVERAL_PAGES)
        if opened.channel_axis is not None and opened.pixels.shape[-1] != 3:
            raise RefusedError(f"This picture has {opened.pixels.shape[-1]} channels; this page takes gray and color.")
        return opened

    def _encoded(self, made: Photo, suffix: str) -> bytes:
        path = self._folder / f"made{suffix}"
        try:
            photo.write(path, made, overwrite=True)
            return path.read_bytes()
        except ValueError as error:
            raise RefusedError(f"The result cannot be written: {_without(path, error)}.") from error
        finally:
            path.unlink(missing_ok=True)

    def _drawn(self, kernel: np.ndarray) -> bytes:
        """Draw a PSF as a PNG."""
        return self._encoded(Photo(psf_image(np.asarray(kernel, np.float64), square=True) / 255), ".png")


def _kernel(blur: str | np.ndarray) -> np.ndarray:
    return psf.parse(blur) if isinstance(blur, str) else blur


def _picture(pixels: np.ndarray) -> Photo:
    return Photo(pixels.astype(np.float32), None if pixels.ndim == 2 else -1)


def _brightest(opened: Photo) -> float:
    """Return what to show as white: 1, or the brightest of a picture of floats that goes beyond."""
    return max(1.0, float(np.nanmax(opened.pixels))) if opened.dtype.kind == "f" else 1.0


def _shown(opened: Photo, white: float) -> Photo:
    """Return what a browser can show."""
    pixels = np.nan_to_num(opened.pixels / white).clip(0, 1)
    return replace(opened, pixels=pixels, alpha=None, dtype=np.dtype(np.uint8), exif=None, xmp=None)


def _data_url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _without(path: Path, error: Exception) -> str:
    """Return what an error says, without where on this machine the file was."""
    message = str(error).removeprefix(f"cannot read {path}: ").removeprefix(f"cannot write {path}: ")
    return message.replace(f"{path}: ", "").replace(str(path), "the file").rstrip(".")
