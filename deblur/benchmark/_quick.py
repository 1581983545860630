"""The regression check: a fixed subset in under two minutes, compared with stored scores."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby

from deblur._core.progress import Progress

from ._runner import run

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOLERANCE = 0.05
"""Largest loss in dB: more than processors and library versions differ, less than a reader would notice."""


@dataclass(frozen=True)
class Check:
    """A stored score and its new measurement.

    Attributes
    ----------
    protocol, method : str
        Names.
    noise : float
        Fraction of the range; 0 for captured pictures.
    expected, measured : float
        Mean PSNR in dB; `measured` is NaN if the method failed on a picture.
    """

    protocol: str
    method: str
    noise: float
    expected: float
    measured: float

    @property
    def passed(self) -> bool:
        """Whether the loss is within the tolerance."""
        return self.measured >= self.expected - TOLERANCE


@dataclass(frozen=True)
class _Expected:
    protocol: str
    noise: float
    limit: int
    method: str
    psnr: float


def quick(*, jobs: int = 1, progress: Progress | None = None) -> list[Check]:
    """Run the subset that ``expected.toml`` lists, and compare.

    Where a change raises a score, store the new one in that file.

    Parameters
    ----------
    jobs, progress
        As in `run`.

    Returns
    -------
    list of Check
        In the order of the file.

    Raises
    ------
    FileNotFoundError
        If a data set has not been downloaded.

    Examples
    --------
    >>> from deblur.benchmark import Check, quick
    >>> checks = quick(jobs=2)  # takes minutes, needs the data sets  # doctest: +SKIP
    >>> all(check.passed for check in checks)  # doctest: +SKIP
    True
    >>> Check("set14-levin", "wiener", 0.01, expected=28.60, measured=28.52).passed  # it fell by more than 0.05 dB
    False
    """
    checks = []
    for (name, noise, limit), group in groupby(expected(), key=lambda each: (each.protocol, each.noise, each.limit)):
        entries = list(group)
        methods = [each.method for each in entries]
        noises = [noise] if noise else None
        results = run(name, methods, noises=noises, limit=limit, jobs=jobs, progress=progress)
        failed = {failure.method for failure in results.failures}
        means = {each.method: each.scores["psnr"] for each in results.summary() if each.method not in failed}
        checks += [Check(name, e.method, noise, e.psnr, means.get(e.method, float("nan"))) for e in entries]
    return checks


@cache
def expected() -> tuple[_Expected, ...]:
    """Read the stored scores."""
    content = files(__package__).joinpath("expected.toml").read_text(encoding="utf-8")
    return tuple(_Expected(**each) for each in tomllib.loads(content)["check"])
