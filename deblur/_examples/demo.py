"""The demonstration: two photographs restored, and a picture that shows before and after.

The first photograph was blurred by an unknown motion of the camera, which is estimated from the picture. The second is
sharp and blurred here by a known camera shake, so that the result can be compared with the truth.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deblur import photo, psf
from deblur._core.drawing import psf_image
from deblur._examples.pictures import blur_photo, sample, visible_part
from deblur.blind._encoding import Encodings
from deblur.blind._kind import Reader
from deblur.nonblind import richardson_lucy, unrolled

Pixels = npt.NDArray[np.float32]

_PANEL = (280, 424)  # height and width of one picture in the comparison: two side by side fit into 900 pixels
_MARGIN, _CAPTION = 12, 34
_INSET = 96  # least side of the drawn PSF: a third of a panel


@dataclass(frozen=True)
class Result:
    """One restored photograph.

    Attributes
    ----------
    name : str
        Start of its files' names.
    story : str
        The origin of the blur and of the PSF.
    files : dict
        Paths of "before", "after", "psf" and "comparison", which is one for all photographs.
    quality : dict
        For "blurred" and "restored", the "psnr" in dB and the "ssim" on the whole frame, and "psnr_inside" and
        "ssim_inside" without a border as wide as the PSF; empty where the truth is unknown.
    seconds : float
        Time to load the photograph, estimate the PSF, restore and measure.
    """

    name: str
    story: str
    files: dict[str, Path]
    quality: dict[str, dict[str, float]]
    seconds: float


@dataclass(frozen=True)
class _Case:
    story: str
    captions: tuple[str, str]
    before: Pixels
    psf: npt.NDArray[np.float64]
    restore: Callable[..., Pixels]
    truth: Pixels | None = None
    view: tuple[slice, slice] = (slice(None), slice(None))  # the part that the comparison shows

    @property
    def channel_axis(self) -> int | None:
        return -1 if self.before.ndim == 3 else None


def run(folder: Path, overwrite: bool = False) -> list[Result]:
    """Restore two sample photographs of scikit-image, and write the pictures.

    Parameters
    ----------
    folder : pathlib.Path
        Where to write; created if missing.
    overwrite : bool
        Whether existing files may be replaced.

    Returns
    -------
    list of Result
        The clock and the cat.

    Raises
    ------
    OSError
        If a file exists and `overwrite` is false (nothing is written then), or the folder cannot be made or written to.
    """
    makers = {"clock": _moving_clock, "cat": _shaken_cat}
    files = {
        name: {part: folder / f"{name}-{part}.png" for part in ("before", "after", "psf")}
        | {"comparison": folder / "demo.png"}
        for name in makers
    }
    for path in (path for paths in files.values() for path in paths.values()):
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path} exists already, and overwrite is False")
    folder.mkdir(parents=True, exist_ok=True)

    results, strips = [], []
    for name, make_case in makers.items():
        start = time.perf_counter()
        case = make_case()
        after = _restore(case)
        results.append(Result(name, case.story, files[name], _quality(case, after), time.perf_counter() - start))
        strips.append(_side_by_side(case, after, results[-1].quality))
        for part, pixels in (("before", case.before), ("after", after)):
            photo.write(files[name][part], photo.Photo(pixels, case.channel_axis), overwrite=overwrite)
        psf.save(files[name]["psf"], case.psf, overwrite=overwrite)
    photo.write(folder / "demo.png", photo.Photo(np.concatenate(strips), channel_axis=-1), overwrite=overwrite)
    return results


def _moving_clock() -> _Case:
    """Return a photograph that was taken while moving the camera."""
    before = sample("clock")
    found = Reader(Encodings(before, None, None, encoded=True, method="motion")).motion
    return _Case(
        story="A real photograph, taken while moving the camera. The motion, "
        f"{found.length:.0f} pixels at {found.angle:.1f}°, is where the autocorrelation of the corners in the picture "
        "has its deepest dip.",
        captions=("Photographed while moving the camera", "Restored, the motion found in the picture"),
        before=before,
        psf=psf.motion(found.length, found.angle),
        # Straight motion removes whole stripes of the spectrum, which only many iterations recover; and of all
        # methods, this one suffers least from a motion that is not quite the true one.
        restore=partial(richardson_lucy, num_iter=600, total_variation=0.0007),
        view=(slice(84, 224), slice(106, 318)),
    )


def _shaken_cat() -> _Case:
    """Return a sharp photograph, blurred in linear light, with noise, rounded to eight bits."""
    scene, shake = sample("cat"), psf.camera_shake(25, seed=6)
    noisy = blur_photo(scene, shake, noise_level=0.01, seed=0)
    return _Case(
        story="A sharp photograph, blurred by a known shake of the camera, with noise of 1 %.",
        captions=("Shaken, 1 % noise", "Restored"),
        before=np.rint(255 * noisy.clip(0, 1)).astype(np.float32) / 255,
        psf=shake,
        restore=unrolled,
        truth=visible_part(scene, shake),
    )


def _restore(case: _Case) -> Pixels:
    """Restore in linear light, because a sensor adds up light; the method estimates the noise level."""
    restored = case.restore(photo.to_linear(case.before), case.psf, channel_axis=case.channel_axis)
    return photo.from_linear(restored).clip(0, 1)


def _quality(case: _Case, after: Pixels) -> dict[str, dict[str, float]]:
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    if case.truth is None:
        return {}
    border = max(case.psf.shape)
    quality: dict[str, dict[str, float]] = {"blurred": {}, "restored": {}}
    for measured, pixels in zip(quality.values(), (case.before, after), strict=True):
        for suffix, region in (("", slice(None)), ("_inside", slice(border, -border))):
            pair = case.truth[region, region], pixels[region, region]
            measured["psnr" + suffix] = float(peak_signal_noise_ratio(*pair, data_range=1))
            ssim = structural_similarity(*pair, data_range=1, channel_axis=case.channel_axis)
            measured["ssim" + suffix] = float(ssim)
    return quality


def _side_by_side(case: _Case, after: Pixels, quality: dict[str, dict[str, float]]) -> Pixels:
    """Draw before, with the PSF in its corner, and after, each under its caption."""
    import cv2

    height, width = _PANEL
    canvas = np.full((_CAPTION + height + _MARGIN, 2 * (width + _MARGIN) + _MARGIN, 3), 255, np.uint8)
    lefts, names = (_MARGIN, 2 * _MARGIN + width), ("blurred", "restored")
    for left, name, caption, pixels in zip(lefts, names, case.captions, (case.before, after), strict=True):
        if quality:
            caption += ": PSNR {psnr:.1f} dB, SSIM {ssim:.2f}".format(**quality[name])
        cv2.putText(canvas, caption, (left, _CAPTION - 10), (40, 40, 40), cv2.FontFace("sans"), 17, 500)
        panel = cv2.resize(pixels[case.view], (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)
        canvas[_CAPTION : _CAPTION + height, left : left + width] = 255 * panel.reshape(height, width, -1)

    inset = np.pad(psf_image(case.psf, min_side=_INSET), 2, constant_values=255)  # a white frame
    bottom, left = _CAPTION + height - _MARGIN, 2 * _MARGIN
    canvas[bottom - inset.shape[0] : bottom, left : left + inset.shape[1]] = inset[..., None]
    return (canvas / 255).astype(np.float32)
