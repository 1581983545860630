"""Color photographs of Lai et al. (2016) under four large camera shakes."""

from __future__ import annotations

import cv2

from deblur._core.errors import did_you_mean

from ._cards import card
from ._download import folder_of
from ._loaders import Example, Folder, read_picture, rotated, unit

_SET = "lai2016_dev"
SIDES = (31, 51, 55, 75)
"""Sides of the kernels in pixels, in the order of their files."""


def lai_scenes() -> list[str]:
    """Return the names of the scenes, one of each kind first."""
    truths = [file.path for file in card(_SET).files if "/ground_truth/" in file.path]
    names = [path.rpartition("/")[2].removesuffix(".png") for path in truths]
    return sorted(names, key=lambda name: tuple(reversed(name.split("_"))))


def lai2016(scene: str, side: int, *, folder: Folder = None) -> Example:
    """Return a scene of Lai et al. (2016), blurred by one of four camera shakes.

    Parameters
    ----------
    scene : str
        ``"manmade_01"``, ``"text_03"`` ...
    side : int
        Of the kernel, in pixels: 31, 51, 55 or 75.
    folder : path-like, optional
        The data folder; by default `folder_of` locates the files.

    Returns
    -------
    Example
        RGB images ``(height, width, 3)``, multiples of 1/255 in [0, 1], and the kernel, rotated by 180 degrees into a
        PSF for true convolution; no shift remains between ``sharp * psf`` and ``blurred``.

    Raises
    ------
    ValueError
        If there is no such scene or kernel.
    FileNotFoundError
        If the data set has not been downloaded.

    References
    ----------
    Lai et al., "A comparative study for single image blind deblurring", CVPR 2016.

    Examples
    --------
    >>> from deblur.benchmark import lai2016
    >>> lai2016("text_1", 75)
    Traceback (most recent call last):
    ...
    ValueError: there is no scene 'text_1'; did you mean 'text_01'?
    """
    scenes = lai_scenes()
    if scene not in scenes:
        hint = did_you_mean(scene, scenes) or f"there are {', '.join(scenes)}"
        raise ValueError(f"there is no scene {scene!r}; {hint}")
    if side not in SIDES:
        raise ValueError(f"there is no kernel of {side} pixels; there are {', '.join(map(str, SIDES))}")
    kernel = f"kernel_{SIDES.index(side) + 1:02d}"
    root = folder_of(_SET, folder=folder) / _SET
    return Example(
        read_picture(root / f"ground_truth/{scene}.png", cv2.IMREAD_COLOR),
        read_picture(root / f"blurred/{scene}_{kernel}.png", cv2.IMREAD_COLOR),
        rotated(unit(read_picture(root / f"kernels/{kernel}.png", cv2.IMREAD_GRAYSCALE))),
    )
