"""What the command line says of how to restore."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import Any

from deblur.cli._psf import parse_psf_size

METHODS = (
    "auto",
    "unrolled",
    "fused",
    "plug-and-play",
    "adm",
    "wiener",
    "unsupervised-wiener",
    "richardson-lucy",
    "total-variation",
    "hyper-laplacian",
    "selfdeblur",
)

STEPWISE = ("richardson-lucy", "total-variation", "hyper-laplacian")
"""Methods that take a number of iterations."""

FEWEST_SAMPLES = 30
"""The ``min_iter`` of `deblur.nonblind.unsupervised_wiener`."""


@dataclass(frozen=True)
class Settings:
    """How to restore: a method of `deblur.restore`, and the options given; None where one was not.

    Attributes
    ----------
    method : str
        One of `METHODS`.
    noise_level : float or None
        Standard deviation of the noise.
    iterations : int or None
        Most iterations.
    linear : bool or None
        Whether to restore linear light.
    psf_size : tuple of int or None
        Largest size of the PSF, where it is to be estimated.
    memory : int or None
        Most bytes to hold; given, pictures are restored by parts.
    floats : bool
        Whether stacks are written in 32-bit floats.
    processes : int
        How many share the memory of this machine, where `memory` is not given.
    """

    method: str = "auto"
    noise_level: float | None = None
    iterations: int | None = None
    linear: bool | None = None
    psf_size: tuple[int, int] | None = None
    memory: int | None = None
    floats: bool = False
    processes: int = 1

    @classmethod
    def parse(
        cls,
        method: str,
        noise_level: str,
        iterations: int | None,
        linear: bool | None,
        psf_size: str = "auto",
        memory: str | None = None,
        *,
        floats: bool = False,
    ) -> Settings:
        """Check what the command line gives, or raise `ValueError`."""
        if method not in METHODS:
            close = difflib.get_close_matches(method, METHODS, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ValueError(f"--method must be {', '.join(METHODS[:-1])} or {METHODS[-1]}, got {method!r}{hint}")
        level = None if noise_level == "auto" else _noise_level(noise_level)
        if level is not None and method == "unsupervised-wiener":
            raise ValueError("--noise-level cannot be used with unsupervised-wiener, which estimates it itself")
        if iterations is not None:
            if method not in STEPWISE and method != "unsupervised-wiener":
                raise ValueError(
                    f"--iterations needs --method {', '.join(STEPWISE)} or unsupervised-wiener, got --method {method}"
                )
            fewest = FEWEST_SAMPLES if method == "unsupervised-wiener" else 1
            if iterations < fewest:
                raise ValueError(f"--iterations must be at least {fewest} for {method}, got {iterations}")
        limit = None if memory is None else _memory(memory)
        return cls(method, level, iterations, linear, parse_psf_size(psf_size), limit, floats)

    def options(self, *, blind: bool) -> dict[str, Any]:
        """Return the keywords for `deblur.restore`, without a PSF or with one."""
        options: dict[str, Any] = {"method": self.method, "noise_level": self.noise_level}
        if blind:
            return options | ({"psf_shape": self.psf_size} if self.psf_size else {})
        if self.iterations is not None:
            options["num_iter" if self.method in STEPWISE else "max_iter"] = self.iterations
        return options


def _memory(text: str) -> int:
    from deblur._core.memory import parse_bytes

    try:
        return parse_bytes(text)
    except ValueError as error:
        raise ValueError(f"--{error}") from None


def _noise_level(text: str) -> float:
    try:
        level = float(text)
    except ValueError:
        level = math.nan
    if not 0 <= level < math.inf:
        raise ValueError(f"--noise-level must be auto or a number that is not negative, got {text!r}")
    return level
