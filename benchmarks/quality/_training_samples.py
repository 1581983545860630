"""Blurred images for tuning constants: photographs and PSFs that no benchmark has."""

import numpy as np

from deblur import psf
from deblur.benchmark import Sample, image, image_names, simulate


def training_samples(count: int, noise: float, border: str, *, gray: bool = True) -> list[Sample]:
    """Blur crops of 256 x 256 pixels of BSDS500 train by camera shake of 9 to 31 pixels, and add noise."""
    names = image_names("bsds500")
    samples = []
    for index in range(count):
        scene = image("bsds500", names[(37 * index + 11) % len(names)], gray=gray)
        top, left = ((extent - 256) // 2 for extent in scene.shape[:2])
        blur = psf.camera_shake(float(np.linspace(9, 31, count)[index]), seed=1000 + index)
        crop = scene[top : top + 256, left : left + 256]
        samples.append(simulate(crop, blur, noise, seed=f"training {index}", border=border))
    return samples
