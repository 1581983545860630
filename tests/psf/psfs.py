"""Point-spread functions of every kind, with nothing wrong: formulas, and measured ones where there is data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from deblur import psf
from deblur.psf._kinds import kinds

Named = Iterator[tuple[str, np.ndarray]]


def formulas() -> Named:
    """Yield those of `deblur.psf`: tight, cut off and padded; and others that people compute."""
    for kind in kinds().values():
        yield from ((text, psf.parse(text)) for text in kind.examples)
    for radius in (0, 0.5, 1, 2.5, 4, 7.3):
        yield f"disk {radius}", psf.disk(radius)
        yield f"disk {radius} in 51", psf.disk(radius, 51)
    for sigma in (0.3, 1, 2, 4, (1, 5), (2, 2, 4)):
        yield f"gaussian {sigma}", psf.gaussian(sigma)
        yield from ((f"gaussian {sigma} in {size}", psf.gaussian(sigma, size)) for size in (3, 5, 8, 9, 15, 16, 31, 64))
    for sigma in (20, 100, 1000):
        yield from ((f"gaussian {sigma} in {size}", psf.gaussian(sigma, size)) for size in (7, 9, 15, 31, 64))
    for radius in (1, 2, 6, 12):
        yield f"airy {radius}", psf.airy(radius)
        yield from ((f"airy {radius} in {size}", psf.airy(radius, size)) for size in (7, 9, 15, 31, 65))
    for length in (0, 1, 3, 4, 7.5, 15, 31):
        for angle in (0, 30, 45, 90, 111):
            yield f"motion {length} {angle}", psf.motion(length, angle)
    for length in (5, 9, 15, 25, 41):
        for seed in range(10):
            yield f"shake {length} {seed}", psf.camera_shake(length, seed=seed)
            yield f"calm shake {length} {seed}", psf.camera_shake(length, seed=seed, tremor=0.2)
    yield from _microscopes()
    for size in (15, 31, 64):
        yield from _others(size)


def _microscopes() -> Named:
    for shape in ((7, 15, 15), (16, 32, 32), (31, 15, 15), (64, 16, 16), (9, 9, 9)):
        for na in (0.3, 0.8, 1.4):
            for voxel in ((0.3, 0.1, 0.1), (1.0, 0.3, 0.3), (0.1, 0.05, 0.05)):
                name = f"{na} {voxel} {shape}"
                yield f"born_wolf {name}", psf.born_wolf(0.51, na, voxel, shape)
                yield f"gibson_lanni {name}", psf.gibson_lanni(0.51, na, voxel, shape, depth=5)
                yield f"confocal {name}", psf.confocal(0.51, na, voxel, shape, excitation=0.49)


def _others(size: int) -> Named:
    y, x = np.mgrid[:size, :size] - size // 2
    squared = y**2 + x**2
    for power in (1.0, 1.5, 2.0, 3.0):
        for width in (1, 3, 8):
            yield f"Moffat {power} {width} in {size}", (1 + squared / width**2) ** -power
    radius = size // 2 - 1
    inside = squared <= radius**2
    yield f"annulus in {size}", (inside & (squared > (0.7 * radius) ** 2)).astype(float)
    yield f"thin annulus in {size}", (inside & (squared > (radius - 1.5) ** 2)).astype(float)
    narrow = np.exp(-squared / 8)
    for share in (4, 2):
        wide = np.exp(-squared / (2 * (size / share) ** 2))
        yield f"glow {share} in {size}", 0.7 * narrow / narrow.sum() + 0.3 * wide / wide.sum()
    generator = np.random.default_rng(size)
    u, v = y / (size / 4), x / (size / 4)
    for number in range(4):
        modes = np.stack([u * v, u**2 - v**2, u * (u**2 + v**2), u**2 + v**2, v * (u**2 + v**2)])  # Zernike's
        phase = np.tensordot(generator.normal(0, 2, 5), modes, 1)
        pupil = (u**2 + v**2 < 1) * np.exp(1j * phase)
        yield f"aberrated {number} in {size}", np.abs(np.fft.fftshift(np.fft.fft2(pupil))) ** 2
    yield f"coded aperture in {size}", np.kron(generator.random((7, 7)) > 0.5, np.ones((size // 7,) * 2)).astype(float)
    yield f"noise in {size}", generator.random((size, size))
    yield f"box in {size}", np.ones((size, size))
    causal = np.zeros((size, size))
    causal[size // 2, size // 2 :] = np.linspace(1, 0.1, size - size // 2)
    yield f"starts at the center in {size}", causal
    double = np.zeros((1, size))
    double[0, [0, -1]] = 0.5
    yield f"double image in {size}", double
    yield f"uneven double image in {size}", double * np.linspace(1, 0.5, size)


def measured() -> Named:
    """Yield those of the data sets; skip the test where they are not there."""
    folder = Path(os.environ.get("DEBLUR_DATA", ""))
    if "DEBLUR_DATA" not in os.environ or not (folder / "kernels").is_dir():
        pytest.skip("needs DEBLUR_DATA: a folder with the data sets")
    import scipy.io
    import tifffile
    from PIL import Image

    for name in ("kernels_12.mat", "schelten_dmsp_kernels.mat"):
        cells = scipy.io.loadmat(folder / "kernels" / name)["kernels"][0]
        yield from ((f"{name} {number}", kernel.astype(float)) for number, kernel in enumerate(cells))
    galaxies = np.load(folder / "astronomy/sf_deconvolve/example_psfs.npy")
    yield from ((f"galaxy {number}", kernel.astype(float)) for number, kernel in enumerate(galaxies))
    for path in sorted((folder / "levin2009/mat").glob("im05*.mat")):
        yield path.name, scipy.io.loadmat(path)["f"].astype(float)
    for path in (*(folder / "lai2016_dev/kernels").glob("*.png"), *folder.glob("levin2009/*/gt/kernel*.png")):
        yield path.name, np.asarray(Image.open(path).convert("F"), float)
    for name in ("flowdec/bars-25pct/kernel", "flowdec/bead-25pct/kernel", "flowdec/psfs/psfgen1"):
        yield name, tifffile.imread(folder / f"microscopy/{name}.tif").astype(float)
    for name in ("redlionfish/PSF_RFI_8bit", "sdeconv/gibsonlanni"):
        yield name, tifffile.imread(folder / f"microscopy/{name}.tif").astype(float)
