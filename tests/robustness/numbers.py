"""Extreme images for every method: a finite result, or a refusal that says why.

    python -m tests.robustness.numbers

Prints a table. Conditions are combined: every precision with every image of doubles, and every method with its own and
with a given noise level. A case fails if NaN or infinity comes out of a finite image, light out of an empty plane, the
result has another shape, or an error is neither `ValueError` nor `TypeError`, or has several lines. Samples of NaN must
be refused, or stay as they are. A multiple of an image, or
of a PSF, must be refused or restored as the image is, up to that factor and to rounding. How far a method amplifies
rounding is measured on this machine, by perturbing image and PSF in their last digits.
"""

from __future__ import annotations

import argparse
import functools
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

import deblur
import nmf
from deblur.nonblind import adm, fused, plug_and_play, unrolled, unsupervised_wiener
from tests.robustness._tally import Tally, peak_bytes

Restore = Callable[..., Any]

PSF = deblur.psf.gaussian(1.0, shape=(5, 5))


SCALED: dict[str, tuple[type, float, float]] = {
    "1e-300": (np.float64, 1e-300, 1),
    "1e-30": (np.float64, 1e-30, 1),
    "1e-30, float32": (np.float32, 1e-30, 1),
    "1e-14": (np.float64, 1e-14, 1),
    "1e-14, float32": (np.float32, 1e-14, 1),
    "1e15, float32": (np.float32, 1e15, 1),
    "1e30": (np.float64, 1e30, 1),
    "1e30, float32": (np.float32, 1e30, 1),
    "1e300": (np.float64, 1e300, 1),
    "PSF of 1e-30": (np.float64, 1, 1e-30),
    "PSF of 1e-30, float32": (np.float32, 1, 1e-30),
    "PSF of 1e-10, float32": (np.float32, 1, 1e-10),
    "PSF of 1e5, float32": (np.float32, 1, 1e5),
    "PSF of 1e5, image 1e-9, float32": (np.float32, 1e-9, 1e5),
    "PSF of 1e12, float32": (np.float32, 1, 1e12),
    "PSF of 1e30": (np.float64, 1, 1e30),
    "PSF of 1e30, float32": (np.float32, 1, 1e30),
}
"""Data type, and factors of the image and of the PSF."""

PERTURBATIONS, LAST_DIGITS = 4, 4
"""How often image and PSF are perturbed to measure how rounding is amplified, and by how many units of rounding."""

MARGIN, FLOOR = 10, 1e-4
"""The result may move by so many times the largest effect of a perturbation, and this part of its largest value.

A margin, since a few perturbations do not find the worst one. A method that is not invariant to scale is off by far
more: an absolute constant in it drowns an image of 1e-14, and 100 % are wrong.
"""

EXTREME = ("denormal", "hot pixel of 1e30")
"""Images that a lower precision cannot hold."""

NOISE = np.random.default_rng(0).random((24, 28))


def _images() -> dict[str, tuple[Any, Any]]:
    """Return pairs of an image and a PSF by name; three axes are a batch, or a color picture if the last is 3."""
    rng = np.random.default_rng(1)
    noise = NOISE
    hot = np.zeros((24, 28))
    hot[11, 13] = 1
    rows = noise.copy()
    rows[3:5] = np.nan
    infinite = noise.copy()
    infinite[0, 0] = np.inf
    checkerboard = np.indices((24, 28)).sum(axis=0) % 2.0
    saturated = np.minimum(1.0, 3 * noise)
    channel, frame = np.stack([noise] * 3, -1), np.stack([noise] * 2)
    channel[..., 2] = frame[1] = 0
    plain = {
        "denormal": noise * 1e-310,
        "denormal, float32": (noise * 1e-40).astype(np.float32),
        "zero": np.zeros((24, 28)),
        "empty channel": channel,
        "empty frame": frame,
        "constant": np.full((24, 28), 0.5),
        "negative": -noise,
        "one hot pixel": hot,
        "hot pixel of 1e30": hot * 1e30,
        "checkerboard": checkerboard,
        "saturated": saturated,
        "all saturated": np.ones((24, 28)),
        "rows of NaN": rows,
        "one infinity": infinite,
        "noise": noise,
        "bfloat16": torch.from_numpy(noise).bfloat16(),
        "uint8": (255 * noise).astype(np.uint8),
        "bool": noise > 0.5,
    }
    made: dict[str, tuple[Any, Any]] = {name: (image, PSF) for name, image in plain.items()}
    for name, image in plain.items():
        if image.dtype == np.float64 and name not in EXTREME:
            made |= {f"{name}, {np.dtype(kind)}": (image.astype(kind), PSF) for kind in (np.float32, np.float16)}
    made["1 x 40"] = noise.ravel()[None, :40], np.full((1, 5), 0.2)
    made["40 x 1"] = noise.ravel()[:40, None], np.full((5, 1), 0.2)
    made["1 x 1"] = np.full((1, 1), 0.5), np.ones((1, 1))
    made["65,535 wide"] = rng.random((4, 65_535), dtype=np.float32), np.full((1, 5), 0.2, np.float32)
    made["PSF as large as the image"] = noise, deblur.psf.gaussian(4.0, shape=(24, 28))
    for name, (dtype, brightness, gain) in SCALED.items():
        made[name] = (noise * brightness).astype(dtype), (PSF * gain).astype(dtype)
    made["PSF of 1e-50, image float32"] = noise.astype(np.float32), PSF * 1e-50
    made["PSF of denormals"] = noise, PSF * 1e-310
    return made


def _of(result: Any) -> Any:
    return result.image if hasattr(result, "image") else result


GIVEN = ", noise given"
"""Behind the name of a method that is given the noise level."""


def _given(method: Restore) -> Restore:
    """Return a method that is given a noise level of a hundredth of the brightest value, and of an empty image too."""

    def told(image: Any, psf: Any, **options: Any) -> Any:
        values = torch.as_tensor(image).double()
        brightest = float(values[values.isfinite()].abs().max())
        return method(image, psf, noise_level=0.01 * (brightest or 1.0), **options)

    return told


_NONBLIND: dict[str, Restore] = {
    "wiener": deblur.nonblind.wiener,
    "richardson_lucy": functools.partial(deblur.nonblind.richardson_lucy, num_iter=5),
    "total_variation": functools.partial(deblur.nonblind.total_variation, num_iter=5),
    "hyper_laplacian": functools.partial(deblur.nonblind.hyper_laplacian, num_iter=3),
    "plug_and_play": plug_and_play,
    "adm": adm,
    "unrolled": unrolled,
    "fused": fused,
    "restore": lambda y, k, **more: _of(deblur.restore(y, k, **more)),
    "restore, saturation=1": lambda y, k, **more: _of(deblur.restore(y, k, saturation=1, method="wiener", **more)),
}

METHODS: dict[str, Restore] = {
    **_NONBLIND,
    **{name + GIVEN: _given(method) for name, method in _NONBLIND.items()},
    "unsupervised_wiener": functools.partial(unsupervised_wiener, max_iter=30, seed=0),
    "blind.sparse_edges": lambda y, k, **more: _of(deblur.blind.sparse_edges(y, (5, 5), **more)),
    "blind.richardson_lucy": lambda y, k: _of(deblur.blind.richardson_lucy(y, (3, 3), num_iter=3)),
}
"""Iterations are few: what overflows does so at once."""

BLIND = ("blind.sparse_edges", "blind.richardson_lucy")
"""They take no PSF."""

NORMALIZING = ("restore", "restore" + GIVEN)
"""They scale the PSF to sum 1."""

IN_UNITS = ("restore, saturation=1", "restore, saturation=1" + GIVEN)
"""One of their options has the unit of the image."""

SLOW = tuple(name + end for name in ("plug_and_play", "adm", "fused", "blind.sparse_edges") for end in ("", GIVEN))
"""Methods that skip the widest image."""

_FITS = {"euclidean": 2, "kullback-leibler": 1, "itakura-saito": 0, "beta 0.5": 0.5, "beta 3": 3}


def _fit(kind: type, beta: float, **options: Any) -> Restore:
    def fit(image: Any, psf: Any) -> Any:
        sizes = {} if kind is nmf.NMF else {"taps": 3}
        dtype = torch.float32 if str(image.dtype).removeprefix("torch.") == "float32" else torch.float64
        module = kind(tuple(image.shape), 2, seed=0, dtype=dtype, **sizes)
        module.fit(image, beta, max_iter=5, **options)
        return module().detach()

    return fit


def fits() -> dict[str, Restore]:
    """Return the fits of `nmf`, as functions of an image and of a PSF, which they ignore."""
    made = {f"NMF {name}": _fit(nmf.NMF, beta) for name, beta in _FITS.items()}
    made |= {f"NMFD {name}": _fit(nmf.NMFD, beta) for name, beta in _FITS.items()}
    return made | {"NMF mm": _fit(nmf.NMF, 1, solver="mm"), "NMF euclidean mm": _fit(nmf.NMF, 2, solver="mm")}


class Expected(NamedTuple):
    """What a method should return, and how far it may differ as a part of the largest value."""

    image: np.ndarray
    tolerance: float


def outcome(method: Restore, image: Any, psf: Any, expected: Expected | None) -> tuple[str, str | None]:
    """Return the result of a method on an image in few words, and what is wrong with it or None.

    `expected` is what it should be, where that is known.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = method(image, psf, **({"channel_axis": -1} if image.ndim == 3 and image.shape[-1] == 3 else {}))
    except (ValueError, TypeError) as error:
        return "refused", f"several lines: {error}" if "\n" in str(error) or not str(error) else None
    except Exception as error:
        return type(error).__name__, f"{type(error).__name__}: {error}"
    values = torch.as_tensor(result)
    if tuple(values.shape) != tuple(image.shape):
        return "shape", f"shape {tuple(values.shape)} of {tuple(image.shape)}"
    known = torch.isfinite(torch.as_tensor(image).double())
    if not bool(torch.isfinite(values[known]).all()):
        return "NaN", "the result has NaN or infinity"
    if bool(torch.isfinite(values[~known]).any()):
        return "accepted", "an image with NaN or infinity is accepted"
    if not bool(known.all()):
        return "kept", None
    if shown := _light_from_nothing(torch.as_tensor(image), values):
        return "light", f"{shown:.1e} in a plane without light"
    if expected is not None:
        wrong = _difference(np.asarray(result, float), expected.image)
        if not wrong <= expected.tolerance:
            most = f"more than {expected.tolerance:.1e}"
            return "wrong", f"{wrong:.1e} of the largest value from the result of the unscaled image, {most}"
    return "right", None


def _light_from_nothing(image: torch.Tensor, result: torch.Tensor) -> float:
    """Return the largest value that was made of a plane of zeros."""
    axes = (0, 1) if image.ndim == 3 and image.shape[-1] == 3 else (-2, -1)
    return float(torch.where((image != 0).any(axes, keepdim=True), 0, result).abs().max())


def _difference(image: np.ndarray, reference: np.ndarray) -> float:
    """Return the largest difference as a part of the largest value."""
    return float(np.abs(image - reference).max() / np.abs(reference).max())


def _expected(image: str, method: str) -> Expected | None:
    """Return the result of the unscaled image and PSF, scaled as the result of the scaled ones must be."""
    if image not in SCALED or method not in METHODS or method in IN_UNITS:
        return None
    dtype, brightness, gain = SCALED[image]
    unscaled = _unscaled(method, dtype)
    return unscaled._replace(
        image=unscaled.image * (brightness if method in BLIND + NORMALIZING else brightness / gain)
    )


@functools.cache
def _unscaled(method: str, dtype: type) -> Expected:
    """Return the result of the unscaled image and PSF, and how far rounding in them may move it."""
    rng = np.random.default_rng(2)

    def result(digits: int) -> np.ndarray:
        image, psf = (
            (each * (1 + digits * np.finfo(dtype).eps * rng.uniform(-1, 1, each.shape))).astype(dtype)
            for each in (NOISE, PSF)
        )
        return np.asarray(METHODS[method](image, psf), float)

    exact = result(0)
    moved = max(_difference(result(LAST_DIGITS), exact) for _ in range(PERTURBATIONS))
    return Expected(exact, FLOOR + MARGIN * moved)


def survey(images: tuple[str, ...] | None = None, methods: tuple[str, ...] | None = None) -> tuple[Tally, dict]:
    """Try methods on images, all if none are named; return the tally, and the outcomes by image and method."""
    tally, table = Tally("numbers", 0), {}
    known = METHODS | fits()
    for name, (image, psf) in _images().items():
        if images is not None and name not in images:
            continue
        for method in methods or known:
            if name == "65,535 wide" and method in SLOW:
                continue
            began = time.monotonic()
            table[name, method], fault = outcome(known[method], image, psf, _expected(name, method))
            tally.add(method, f"on {name}", time.monotonic() - began, fault, peak_bytes())
    return tally, table


def main() -> int:
    """Print the table and the figures, and return the exit code."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    tally, table = survey()
    print(f"\n{'image':28s}finite results, and who refuses or fails")
    for name in dict.fromkeys(image for image, _ in table):
        row = {method: said for (image, method), said in table.items() if image == name}
        others = {said: [m for m, each in row.items() if each == said] for said in set(row.values()) - {"right"}}
        listed = "; ".join(f"{said}: {'all' if len(m) == len(row) else ', '.join(m)}" for said, m in others.items())
        print(f"{name:28s}{sum(said == 'right' for said in row.values())} of {len(row)}. {listed}")
    print()
    return tally.report()


if __name__ == "__main__":
    raise SystemExit(main())
