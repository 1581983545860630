"""The methods that restore an image: one row each.

Names, help texts, memory model, window halos, benchmark lists and tests derive from these rows. To add a method, write
its file, export it from its package's stub, and add its row here. Functions are named by import path and resolved on
first use, so that listing the methods, for help and completion, does not load torch.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deblur._core.errors import suggestion

AUTO = "auto"

BLURS = {AUTO: "blind", "shake": "sparse-edges", "motion": "motion", "focus": "defocus", "soft": "soft"}
"""The kinds of blur that a user may name, each with the method that estimates its PSF."""

_WIDTHS = 2.0  # of the PSF; where a window's estimate no longer depends on what lies beyond: benchmarks.quality.tiles


def _two_widths(options: Mapping[str, Any]) -> float:
    return _WIDTHS


def _per_iteration(options: Mapping[str, Any]) -> float:
    """Return the halo of a multiplicative method, which carries information one PSF width further per iteration.

    The estimate diffuses, so the distance grows with the square root: python -m benchmarks.quality.tiles.
    """
    return max(_WIDTHS, math.sqrt(options.get("num_iter", 0)))


@dataclass(frozen=True)
class Method:
    """A restoration method as the registry knows it.

    Attributes
    ----------
    name : str
        Lower case, words joined by hyphens.
    path : str
        Import path of ``function(image, psf, *, options)``, or of ``function(image, *, options)`` of a blind method,
        which returns a `Restoration`.
    summary : str
        One line of help, without a period.
    axes : tuple of int
        Numbers of spatial axes it takes.
    blind : bool
        Whether it estimates the PSF itself.
    operator : bool
        Whether it takes any `LinearOperator` in place of the PSF.
    working_arrays : float
        Peak working memory, in float32 arrays of the padded grid's size: python -m benchmarks.memory.methods.
    roomy : bool
        Whether the padded grid has room for a smooth scene to close on itself.
    halo : callable
        Maps the options of a run to the width, in PSF widths, of what surrounds the part kept of a window.
    calibration : str
        Function of `deblur.restoration._calibration` that returns the options to be the same for all windows of a large
        image.
    """

    name: str
    path: str
    summary: str
    axes: tuple[int, ...] = (1, 2, 3)
    blind: bool = False
    operator: bool = False
    working_arrays: float = 40.0
    roomy: bool = True
    halo: Callable[[Mapping[str, Any]], float] = _two_widths
    calibration: str = "noise_level_once"

    @functools.cached_property
    def function(self) -> Callable[..., Any]:
        """The function that restores."""
        return _resolved(self.path)

    @functools.cached_property
    def calibrate(self) -> Callable[..., dict[str, Any]]:
        """``calibrate(patches, function, options)``."""
        return _resolved(f"deblur.restoration._calibration.{self.calibration}")

    @functools.cached_property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """The options of the function."""
        return {
            name: each
            for name, each in inspect.signature(self.function).parameters.items()
            if name not in ("image", "psf")
        }

    @property
    def iterations(self) -> str | None:
        """The option that bounds the number of iterations; None for a method without."""
        return next((name for name in ("num_iter", "max_iter") if name in self.parameters), None)

    @property
    def fewest_iterations(self) -> int:
        """The smallest accepted number of iterations."""
        return int(self.parameters["min_iter"].default) if "min_iter" in self.parameters else 1

    @property
    def required(self) -> list[str]:
        """The options without a default."""
        return [name for name, each in self.parameters.items() if each.default is each.empty]

    def check_options(self, options: Mapping[str, Any], estimator: Method | None = None) -> None:
        """Raise `TypeError` where an option is unknown, naming the nearest, or a required one is missing.

        Without a PSF, those of the method that estimates it first are known too.
        """
        known = {**self.parameters, **(estimator.parameters if estimator else {})}
        for name in options:
            if name not in known:
                having = f"{self.name} with {estimator.name}" if estimator else self.name
                raise TypeError(f"{having} has no option {name!r}; {suggestion(name, list(known))}")
        missing = [name for name in self.required if name not in options]
        if missing:
            raise TypeError(f"{self.name} needs the option {missing[0]}")


ROWS = (
    Method(
        "unrolled",
        "deblur.nonblind.unrolled",
        "unrolled network with learned prior: the default for pictures",
        axes=(2,),
        working_arrays=27.4,
    ),
    Method(
        "fused",
        "deblur.nonblind.fused",
        "unrolled over eight symmetries, fused with plug-and-play: slightly better, ten times slower",
        axes=(2,),
    ),
    Method(
        "plug-and-play",
        "deblur.nonblind.plug_and_play",
        "half-quadratic splitting with a denoising network",
        axes=(2,),
        working_arrays=36.5,
    ),
    Method("adm", "deblur.nonblind.adm", "alternating directions with a multi-scale denoising network", axes=(2,)),
    Method(
        "hyper-laplacian",
        "deblur.nonblind.hyper_laplacian",
        "sparse gradients with the statistics of photographs",
        working_arrays=37.0,
    ),
    Method("total-variation", "deblur.nonblind.total_variation", "flat regions with sharp edges", working_arrays=22.2),
    Method(
        "wiener",
        "deblur.nonblind.wiener",
        "Wiener filter with a smoothness prior: fastest",
        working_arrays=13.7,
        calibration="balance_once",
    ),
    Method(
        "unsupervised-wiener",
        "deblur.nonblind.unsupervised_wiener",
        "Wiener filter whose weights are sampled from their posterior",
        working_arrays=16.4,
        calibration="nothing",
    ),
    Method(
        "richardson-lucy",
        "deblur.nonblind.richardson_lucy",
        "maximum likelihood for photon counts, non-negative: the default for volumes",
        operator=True,
        working_arrays=13.0,
        roomy=False,
        halo=_per_iteration,
        calibration="iterations_once",
    ),
    Method(
        "blind",
        "deblur.blind.blind",
        "unknown blur of any kind, which is found out: the default without a PSF",
        axes=(2,),
        blind=True,
    ),
    Method("sparse-edges", "deblur.blind.sparse_edges", "unknown camera shake, in seconds", axes=(2,), blind=True),
    Method("defocus", "deblur.blind.defocus", "unknown defocus: the radius of a disk", axes=(2,), blind=True),
    Method("motion", "deblur.blind.motion", "unknown straight motion: its length and angle", axes=(2,), blind=True),
    Method("soft", "deblur.blind.soft", "a little softness: the widths of a Gaussian", axes=(2,), blind=True),
    Method(
        "selfdeblur",
        "deblur.restoration._blind.selfdeblur",
        "unknown PSF by two untrained networks: minutes for a small picture",
        axes=(2,),
        blind=True,
    ),
    Method(
        "blind-richardson-lucy",
        "deblur.blind.richardson_lucy",
        "unknown PSF of points and lines on a dark ground, in astronomy and microscopy",
        blind=True,
    ),
)


def _resolved(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


_ALIASES = {"fast": "sparse-edges"}

_BEST = {1: "wiener", 2: "unrolled", 3: "richardson-lucy"}
"""By number of PSF axes: the best of `deblur bench set14-levin` and `deblur bench bars3d`."""

_SMALLEST = 48
"""Pixels per side; a network sees too little of a smaller picture, which goes to `wiener`."""


def methods(*, blind: bool | None = None) -> dict[str, str]:
    """Return the names of the restoration methods, each with a one-line description.

    Parameters
    ----------
    blind : bool, optional
        Whether to list only the methods that estimate the PSF, or only those that need it; all if None.

    Returns
    -------
    dict of str to str
        Every name is accepted by ``method=`` of `deblur.restore` and by ``--method`` of the command.

    Raises
    ------
    TypeError
        If `blind` is given by position.

    Examples
    --------
    >>> import deblur
    >>> sorted(deblur.methods(blind=True))
    ['blind', 'blind-richardson-lucy', 'defocus', 'motion', 'selfdeblur', 'soft', 'sparse-edges']
    """
    return {row.name: row.summary for row in ROWS if blind is None or row.blind == blind}


def find_method(name: str) -> Method:
    """Return the row of a method; hyphens and underscores are the same.

    Raises
    ------
    ValueError
        If there is none, with the nearest name.
    """
    wanted = name.replace("_", "-") if isinstance(name, str) else name
    wanted = _ALIASES.get(wanted, wanted)
    for row in ROWS:
        if row.name == wanted:
            return row
    raise ValueError(f"method {name!r} is unknown; {suggestion(str(wanted), [AUTO, *(row.name for row in ROWS)])}")


def method_of_blur(blur: str) -> Method:
    """Return the method that estimates the PSF of a kind of blur.

    Raises
    ------
    ValueError
        If there is no such kind, with the nearest name.
    """
    if not isinstance(blur, str) or blur not in BLURS:
        raise ValueError(f"blur {blur!r} is unknown; {suggestion(str(blur), list(BLURS))}")
    return find_method(BLURS[blur])


def default_method(space: tuple[int, ...], ndim: int | None, kind: str = "array", blur: str = AUTO) -> Method:
    """Return the method that measures best for an image of this shape and a PSF of `ndim` axes; None without a PSF.

    Counts go to the maximum likelihood for counts: the networks have learned photographs, and ring around stars.
    Without a PSF, the kind of the blur decides.
    """
    if ndim is None:
        return method_of_blur(blur)
    if kind == "counts" and ndim == 2:
        return find_method("richardson-lucy")
    if ndim == 2 and min(space[-2:], default=0) < _SMALLEST:
        return find_method("wiener")
    return find_method(_BEST.get(ndim, "wiener"))
