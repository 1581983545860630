"""What surrounds the kernel in a measured point-spread function: an offset, its noise, or white paper.

All functions take float64 arrays of one to three axes and write into none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

_SHORTEST = 9
"""Least length of an axis that has a border and a middle."""

_LEAST_FLAT = 0.7
"""Fraction of the parts of the border that have to agree; a kernel may touch the others."""

_LEAST_EVEN = 0.4
"""Fraction of the parts that have to be as dim further inwards; a tight kernel reaches into the others."""

_SLOPE = (0.05, 0.02)
"""Most that a part of a flat border may differ, noise aside: of the level, and of the height of the peak above it.
Any kernel that was cut off fails one of the two: a narrow one the first, a wide one the second."""

_LEAST_SHARE = 0.05
"""Least share of the sum that a background must have to be worth removing."""

_LEAST_HEIGHT = 0.02
"""Least height of a kernel, as a fraction of the offset under it: less is a step of rounding."""

_CLEAR = 0.01
"""Noise of an offset, as a fraction of it, up to which nothing else matters."""

_NOISY = (0.15, 0.6)
"""Noise of an offset, as a fraction of it, up to which neighbors may be somewhat alike, and up to which they may not.
The speckles of aberrated optics, which look like noise, vary by their mean."""

_FAINTEST = 8.0
"""Noise levels above the background at which a spot is light for certain; its surroundings count from 4/3 on."""


class Background(NamedTuple):
    """The surroundings of a kernel.

    Attributes
    ----------
    level : float
        Their mean.
    noise : float
        Their standard deviation.
    share : float
        Share of the sum of the array that is background, between 0 and 1.
    kernel : numpy.ndarray
        The array without them: zero outside the kernel, and nowhere negative.
    """

    level: float
    noise: float
    share: float
    kernel: np.ndarray


class _Surroundings(NamedTuple):
    """What is outside the kernel: its level and noise, where the kernel is, and its outermost values."""

    level: float
    noise: float
    mask: np.ndarray
    outermost: np.ndarray

    def without(self, values: np.ndarray) -> np.ndarray:
        return np.where(self.mask, values - self.level, 0.0).clip(min=0)


def background_of(values: np.ndarray) -> Background | None:
    """Return the background of a kernel if it is flat for certain and much of the sum, and None else."""
    found = _surroundings(values, worth=_LEAST_SHARE / 2)
    if found is None or not (_is_offset(values, found) or _is_noise(values, found)):
        return None
    kernel = found.without(values)
    total, removed = float(kernel.sum()), float(np.abs(values - kernel).sum())
    if total <= 0 or removed < _LEAST_SHARE * (removed + total):
        return None
    return Background(found.level, found.noise, removed / (removed + total), kernel)


def inverted(values: np.ndarray) -> np.ndarray | None:
    """Return the kernel of a picture that shows it dark on a bright ground, and None for any other."""
    top = float(values.max())
    if float(np.median(values)) < 0.5 * (top + float(values.min())):
        return None
    found = _surroundings(top - values)
    if found is None:
        return None
    kernel = found.without(top - values)
    depth, border = float(kernel.max()), _border(values.shape)
    if border is None or float(border.outermost(kernel).sum()) > 0.1 * float(kernel.sum()):
        return None
    if depth < 0.05 * (top - found.level) or found.level > 0.2 * depth or kernel.mean() > 0.5 * depth:
        return None
    return kernel


def _surroundings(values: np.ndarray, worth: float = 0.0) -> _Surroundings | None:
    """Return what is outside the kernel, if it is flat, and at first sight has the share `worth` of the sum."""
    border = _border(values.shape)
    found = None if border is None else border.level(values)
    if border is None or found is None:
        return None
    level, noise, parts = found
    if (abs(level) + noise) * values.size < worth * abs(float(values.sum())):
        return None
    height = float(values.max()) - level
    if height <= 0 or noise > 0.05 * height or not border.is_even_inwards(values, parts, noise):
        return None
    level, noise, mask = _refined(values, level, noise)
    height = float(values.max()) - level
    if noise > 0.1 * height or height < _LEAST_HEIGHT * abs(level):
        return None
    return _Surroundings(level, noise, mask, border.outermost(values)[np.isin(border.parts[border.depth == 0], parts)])


def _is_offset(values: np.ndarray, found: _Surroundings) -> bool:
    """Return whether what surrounds the kernel is the same all around, but for noise."""
    relative = found.noise / max(abs(found.level), 1e-300)
    if not _is_level(values, found):
        return False
    if relative <= _CLEAR:
        return abs(found.level) > 1.5 * _step(values, found)
    if found.mask.mean() > (0.92 if relative < 0.05 else 0.75):  # too little is left to tell noise from a tail
        return False
    if relative <= _NOISY[0] and _likeness(values, found, 1) < 0.5:
        return True
    if relative > _NOISY[1] or not _is_stationary(found) or np.count_nonzero(~found.mask) < 200:
        return False
    # Demosaicing and JPEG make neighbors alike, but not pixels farther apart; tails are smooth over their length.
    far = max(values.shape) // 8
    return abs(_likeness(values, found, 1)) < 0.3 or (far >= 12 and abs(_likeness(values, found, far)) < 0.2)


def _is_noise(values: np.ndarray, found: _Surroundings) -> bool:
    """Return whether what surrounds the kernel is noise about zero, or such noise with its negative half set to 0."""
    outer = found.outermost
    zeros, negative = float((outer == 0).mean()), float((outer < 0).mean())
    if outer.size < 40 or not (0.25 < zeros < 0.75 or 0.25 < negative < 0.75):
        return False
    if not (_is_stationary(found) and _is_level(values, found)) or found.noise < 1.5 * _step(values, found):
        return False  # single photons are faint light
    return abs(_likeness(values, found, 1)) < 0.15  # ripples of optics are smooth


def _step(values: np.ndarray, found: _Surroundings) -> float:
    """Return the unit of a detector that counts, of which one or two may be a tail; 0 if the kernel has few steps."""
    steps = np.diff(np.unique(values))
    step = float(steps.min()) if steps.size else 0.0
    return step if step < 0.1 * (float(values.max()) - found.level) else 0.0


def _is_level(values: np.ndarray, found: _Surroundings) -> bool:
    """Return whether what surrounds the kernel is as bright far from the middle as near it: tails fade outwards."""
    if found.mask.all():
        return False
    places = np.nonzero(~found.mask)
    squares = [(place - size // 2) ** 2 for place, size in zip(places, values.shape, strict=True)]
    distance, outside = np.sum(squares, axis=0), values[places]
    is_far = distance > np.median(distance)
    if not is_far.any():
        return False
    error = 4.0 * found.noise / np.sqrt(min(is_far.sum(), (~is_far).sum()))
    difference = abs(float(outside[is_far].mean()) - float(outside[~is_far].mean()))
    return bool(difference <= min(0.06 * abs(found.level), 0.03 * (float(values.max()) - found.level)) + error)


def _is_stationary(found: _Surroundings) -> bool:
    """Return whether the border varies as much as the rest: tails fade outwards."""
    return bool(0.7 < float(found.outermost.std()) / found.noise < 1.4)


def _likeness(values: np.ndarray, found: _Surroundings, distance: int) -> float:
    """Return the correlation of voxels that far apart, outside the kernel: about 0 for noise, 1 for what is smooth."""
    axis = int(np.argmax(values.shape))
    difference, mask = np.moveaxis(values - found.level, axis, 0), np.moveaxis(found.mask, axis, 0)
    both = ~(mask[distance:] | mask[:-distance])
    ahead, behind = difference[distance:][both], difference[:-distance][both]
    return float(ahead @ behind) / max(float(np.sqrt((ahead @ ahead) * (behind @ behind))), 1e-300)


@dataclass(frozen=True, eq=False)
class _Border:
    """The outer layers of arrays of one shape: for each of their voxels its flat index, its depth, and its part.

    Parts are the corners, edges and faces.
    """

    where: np.ndarray
    depth: np.ndarray
    parts: np.ndarray

    def outermost(self, values: np.ndarray) -> np.ndarray:
        """Return the values of the outermost layer."""
        return values.ravel()[self.where[self.depth == 0]]

    def level(self, values: np.ndarray) -> tuple[float, float, np.ndarray] | None:
        """Return mean, standard deviation and the parts that agree on them, if enough do."""
        outer, parts = self.outermost(values), self.parts[self.depth == 0]
        names, index, counts = np.unique(parts, return_inverse=True, return_counts=True)
        means = np.array([_dim_mean(outer[index == number]) for number in range(len(names))])
        ordered = np.sort(outer)
        middle, typical = ordered[len(outer) // 2], float(np.median(means))
        height = float(values.max()) - typical
        noise = float(np.sqrt(np.mean((ordered[: 3 * len(outer) // 4] - middle) ** 2)))
        agree = np.abs(means - typical) <= 6.0 * noise / np.sqrt(counts) + _tolerance(typical, height)
        if agree.mean() < _LEAST_FLAT or (means[~agree] < typical).any():
            return None
        flat = outer[agree[index]]
        for _ in range(3):  # without the ends of a kernel that touches the border
            mean, deviation = float(flat.mean()), float(flat.std())
            flat = flat[np.abs(flat - mean) <= 4 * deviation + 1e-12 * height]
        return float(flat.mean()), float(flat.std()), names[agree]

    def is_even_inwards(self, values: np.ndarray, parts: np.ndarray, noise: float) -> bool:
        """Return whether the inner layers are as dim as the outer ones: light that fades is no background."""
        near, is_inner = values.ravel()[self.where], self.depth >= (int(self.depth.max()) + 1) // 2
        even = []
        for part in parts:  # a kernel may touch the inner layers of some
            within = self.parts == part
            outer, inner = near[within & ~is_inner], near[within & is_inner]
            if inner.size and outer.size:
                first = _dim_mean(outer)
                error = 8.0 * noise / np.sqrt(min(inner.size, outer.size))
                error += _tolerance(first, float(values.max()) - first)
                even.append(abs(_dim_mean(inner) - first) <= error)
        return len(even) > 0 and float(np.mean(even)) >= _LEAST_EVEN


@lru_cache(maxsize=16)
def _border(shape: tuple[int, ...]) -> _Border | None:
    """Return the border of arrays of a shape; None if they are too small to have one."""
    long = [axis for axis, size in enumerate(shape) if size >= _SHORTEST]
    if not long or (len(long) == 1 and shape[long[0]] < 2 * _SHORTEST):
        return None
    depth, parts = np.full(shape, max(shape)), np.zeros(shape, int)
    for axis in long:
        size, along = shape[axis], [1] * len(shape)
        along[axis] = -1
        place = np.arange(size)
        inwards = np.minimum(place, size - 1 - place)
        third = np.where(inwards >= size // 4, 1, np.where(place < size // 2, 0, 2))
        depth = np.minimum(depth, inwards.reshape(along))
        parts = 3 * parts + third.reshape(along)
    layers = max(2, min(shape[axis] for axis in long) // 8)
    where = np.flatnonzero(depth < layers)
    return _Border(where, depth.ravel()[where], parts.ravel()[where])


def _dim_mean(values: np.ndarray) -> float:
    """Return the mean of the dim third, less the dimmest, which a kernel that touches the rest does not raise.

    Medians would not do: those of counts are whole numbers.
    """
    ordered = np.sort(values)
    return float(ordered[len(ordered) // 20 : 7 * len(ordered) // 20 + 1].mean())


def _tolerance(level: float, height: float) -> float:
    return min(_SLOPE[0] * abs(level), _SLOPE[1] * height)


def _refined(values: np.ndarray, level: float, noise: float) -> tuple[float, float, np.ndarray]:
    """Return the level and noise of all that is outside the kernel, and where the kernel is."""
    mask = _light(values, level, noise)
    for _ in range(2):
        outside = values[~mask]
        if outside.size < 4:
            break
        below = outside[outside < level] - level
        level = float(outside.mean())
        # The border alone may be free of noise, as where a picture was pasted onto a larger canvas.
        noise = max(float(outside.std()), float(np.sqrt(np.mean(below**2))) if below.size else 0.0)
        mask = _light(values, level, noise)
    return level, noise, mask


def _light(values: np.ndarray, level: float, noise: float) -> np.ndarray:
    """Return where light is: bright spots, and what is connected to them and visible in means over 3 x 3 voxels."""
    from scipy import ndimage

    above = values - level
    floor = 1e-9 * float(above.max())  # rounding, where there is no noise
    sizes = [3 if size >= 3 else 1 for size in values.shape]
    smooth = ndimage.uniform_filter(above, sizes, mode="nearest") * np.sqrt(np.prod(sizes))
    candidates = (smooth > max(4 * noise, floor)) if noise > floor else above > floor
    regions, count = ndimage.label(candidates, np.ones((3,) * values.ndim))
    peaks = ndimage.maximum(above, regions, np.arange(1, count + 1))
    return np.isin(regions, 1 + np.flatnonzero(np.asarray(peaks) > max(_FAINTEST * noise, floor)))
