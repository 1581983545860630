"""The protocol of the user's own files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path

from . import _samples as samples
from ._comparisons import clipped
from ._protocols import Protocol, protocol

TITLE = "your own images and PSFs"
"""Of the protocol in lists: it has no row in `PROTOCOLS`, because its files are those of one call."""


def folder_protocol(images: str | Path, psfs: str | Path, *, border: str = "valid", blind: bool = False) -> Protocol:
    """Return a protocol for your own images and PSFs, scored as `set14-levin` or, if blind, as `shakes-blind`.

    Parameters
    ----------
    images : path-like
        Folder of pictures; each is read as 8-bit gray.
    psfs : path-like
        Folder of PSF files, see `deblur.psf.load`, or one such file.
    border : {"valid", "circular", "zero"}
        Boundary of the simulated blur.
    blind : bool
        Whether the PSF is withheld; pictures then have 8 bits, and estimates are aligned before scoring.

    Returns
    -------
    Protocol
        Every image with every PSF, named after their files.

    Raises
    ------
    ValueError
        If a folder is missing or contains no such file, or the border is not one of these.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from deblur import psf
    >>> from deblur.benchmark import folder_protocol
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     psf.save(f"{folder}/blur.npy", psf.gaussian(1.5))
    ...     folder_protocol(folder, f"{folder}/blur.npy")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: images must have files ending in .png, .jpg, .jpeg, .bmp, .tif, .tiff, .webp, got ... without one
    """
    from deblur import psf

    if border not in ("valid", "circular", "zero"):
        raise ValueError(f"border must be 'valid', 'circular' or 'zero', got {border!r}")
    pictures = _files(images, "images", (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"))
    kernels = _files(psfs, "psfs", (".npy", ".tif", ".tiff", ".png"))
    for path in kernels.values():  # before the run, which may take hours
        if psf.load(path).ndim != 2:
            raise ValueError(f"psfs must be of two axes, got {psf.load(path).ndim} in {path}")
    as_set14 = Protocol(
        name="folder",
        version=1,
        summary=f"{len(pictures)} images x {len(kernels)} PSFs, {border} border; PSNR and SSIM on the observed image.",
        pairs=partial(samples.crossed, list(pictures), list(kernels)),
        observe=partial(samples.observe_files, pictures, kernels, border, blind),
        compared=clipped,
        noises=(0.01,),
        title=TITLE,
        caveat="Circular blur is simulated and inverted by the same model." if border == "circular" else "",
        source=(("border", border), *((name, _sha256(path)) for name, path in [*pictures.items(), *kernels.items()])),
    )
    if not blind:
        return as_set14
    shakes = protocol("shakes-blind")
    return replace(
        as_set14,
        name="folder-blind",
        summary=f"{len(pictures)} images x {len(kernels)} PSFs, withheld, {border} border, 8 bits; as levin-blind.",
        compared=shakes.compared,
        extra=shakes.extra,
        noises=shakes.noises,
        blind=True,
    )


def _files(folder: str | Path, name: str, suffixes: tuple[str, ...]) -> dict[str, Path]:
    path = Path(folder)
    if not path.exists():
        raise ValueError(f"{name} must be a folder, got {folder}, which does not exist")
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    files = {each.name: each.absolute() for each in found if each.suffix.lower() in suffixes}
    if not files:
        raise ValueError(f"{name} must have files ending in {', '.join(suffixes)}, got {folder} without one")
    return files


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
