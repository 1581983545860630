"""The results of a run: one row per case, and their summary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deblur._core.atomic import atomic_path

from ._metrics import bootstrap_interval

SUCCESS = (1.5, 2.0, 3.0)
"""Error ratios up to which the literature calls a blind restoration a success."""

_IN_JSON = ("psnr", "ssim", "gain", "psnr_known", "psnr_fourier", "error_ratio")


@dataclass(frozen=True)
class Row:
    """The scores of one method on one picture.

    Attributes
    ----------
    method, image, psf : str
        Names.
    noise : float
        Fraction of the range; 0 for captured pictures, to which none was added.
    scores : dict of str to float
        ``psnr``, ``ssim``, and the protocol's further scores.
    seconds : float
        Wall-clock time of the restoration alone.
    """

    method: str
    noise: float
    image: str
    psf: str
    scores: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class Failure:
    """An exception of one method on one picture.

    Attributes
    ----------
    method, image, psf : str
        Names.
    noise : float
        Fraction of the range; 0 for captured pictures.
    message : str
        Type and first line of the error.
    """

    method: str
    noise: float
    image: str
    psf: str
    message: str


@dataclass(frozen=True)
class Summary:
    """Mean scores of one method at one noise level.

    Attributes
    ----------
    method : str
        Label.
    noise : float
        Fraction of the range.
    n : int
        Number of pictures.
    scores : dict of str to float
        Means of all scores that exist for every picture.
    seconds : float
        Mean of the rows' wall-clock times.
    interval : tuple of float
        95 % bootstrap interval of the mean PSNR over pictures. It shows how much the mean depends on the choice
        of pictures; to compare methods, use `Results.difference`, which is paired.
    success : dict of float to float
        Fraction of pictures with an error ratio up to each of 1.5, 2 and 3; empty without error ratios.
    """

    method: str
    noise: float
    n: int
    scores: dict[str, float]
    seconds: float
    interval: tuple[float, float]
    success: dict[float, float]


class Difference(NamedTuple):
    """Mean difference of two methods' PSNR on the same pictures, in dB, with its 95 % bootstrap interval.

    Attributes
    ----------
    mean : float
        In dB.
    low, high : float
        Ends of the interval, in dB.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Results:
    """All rows and failures of a run.

    Attributes
    ----------
    protocol : str
        Name of the protocol.
    version : int
        Version of the protocol.
    rows : tuple of Row
        By method and noise in the requested order, then by image and PSF.
    failures : tuple of Failure
        The cases without a row.
    oracles : tuple of str
        Labels of methods with the best of several tries per picture.

    Examples
    --------
    >>> from deblur.benchmark import Results, Row
    >>> rows = [Row("wiener", 0.01, f"im{i}", "kernel1", {"psnr": 25.0 + i, "ssim": 0.8}, 0.1) for i in range(3)]
    >>> results = Results("set14-levin", 1, tuple(rows))
    >>> results.summary()[0].scores["psnr"]
    26.0
    """

    protocol: str
    version: int
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...] = ()
    oracles: tuple[str, ...] = ()

    def summary(self) -> list[Summary]:
        """Average each method at each noise level, in the order of the rows."""
        groups: dict[tuple[str, float], list[Row]] = {}
        for row in self.rows:
            groups.setdefault((row.method, row.noise), []).append(row)
        return [_summarize(rows) for rows in groups.values()]

    def difference(self, first: str, second: str, noise: float) -> Difference:
        """Compare two methods by their PSNR on the pictures that both restored.

        Parameters
        ----------
        first, second : str
            Labels of the methods; a positive difference is in favor of the first.
        noise : float
            Noise level.

        Returns
        -------
        Difference
            Mean, low and high end.

        Raises
        ------
        ValueError
            If no picture was restored by both.
        """
        scores = [
            {(row.image, row.psf): row.scores["psnr"] for row in self.rows if (row.method, row.noise) == (label, noise)}
            for label in (first, second)
        ]
        shared = [case for case in scores[0] if case in scores[1]]
        if not shared:
            raise ValueError(f"{first} and {second} have no picture in common at noise {noise}")
        differences = np.array([scores[0][case] - scores[1][case] for case in shared])
        return Difference(float(differences.mean()), *bootstrap_interval(differences))

    def as_json(self) -> dict[str, Any]:
        """Return the results in the documented format, for `json.dump`.

        ``{"protocol", "version", "rows": [{"method", "noise", "image", "psf", "psnr", "ssim", "gain"?, "psnr_known"?,
        "error_ratio"?, "seconds"}], "summary": [{"method", "noise", "n", "psnr", "ssim", "gain"?, "psnr_known"?,
        "error_ratio"?, "success_2"?, "seconds", "psnr_low", "psnr_high"}]}``; the keys with a question mark only where
        the protocol has them. Further scores are in the CSV.
        """
        return {
            "protocol": self.protocol,
            "version": self.version,
            "rows": [_json_row(row) for row in self.rows],
            "summary": [_json_summary(each) for each in self.summary()],
        }


def write_json(results: Results, path: str | Path) -> None:
    """Write `Results.as_json` to a file, atomically; an existing one is replaced.

    Parameters
    ----------
    results : Results
        Of `run`.
    path : path-like
        The file; an existing one is replaced.

    Raises
    ------
    OSError
        If it cannot be written.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> from deblur.benchmark import Results, Row, write_json
    >>> row = Row("wiener", 0.01, "im1", "kernel1", {"psnr": 25.0, "ssim": 0.8}, 0.1)
    >>> results = Results("set14-levin", 1, (row,))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "results.json")
    ...     write_json(results, path)
    ...     json.loads(path.read_text())["summary"][0]["psnr"]
    25.0
    """
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(results.as_json(), indent=1) + "\n", encoding="utf-8")


def _summarize(rows: Sequence[Row]) -> Summary:
    shared = [name for name in rows[0].scores if all(name in row.scores for row in rows)]
    ratios = np.array([row.scores.get("error_ratio", np.nan) for row in rows])
    return Summary(
        rows[0].method,
        rows[0].noise,
        len(rows),
        {name: float(np.mean([row.scores[name] for row in rows])) for name in shared},
        float(np.mean([row.seconds for row in rows])),
        bootstrap_interval(np.array([row.scores["psnr"] for row in rows])),
        {limit: float(np.mean(ratios <= limit)) for limit in SUCCESS} if "error_ratio" in shared else {},
    )


def _json_scores(scores: dict[str, float]) -> dict[str, float]:
    return {name: scores[name] for name in _IN_JSON if name in scores}


def _json_row(row: Row) -> dict[str, Any]:
    names = {"method": row.method, "noise": row.noise, "image": row.image, "psf": row.psf}
    return names | _json_scores(row.scores) | {"seconds": row.seconds}


def _json_summary(summary: Summary) -> dict[str, Any]:
    success = {"success_2": summary.success[2.0]} if summary.success else {}
    low, high = summary.interval
    names = {"method": summary.method, "noise": summary.noise, "n": summary.n}
    return (
        names
        | _json_scores(summary.scores)
        | success
        | {"seconds": summary.seconds, "psnr_low": low, "psnr_high": high}
    )
