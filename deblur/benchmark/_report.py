"""Results as text: a table for the terminal, CSV, and Markdown."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import combinations
from pathlib import Path

from deblur._core.atomic import atomic_path

from ._results import Results, Summary

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HEADINGS = {
    "psnr": "PSNR (dB)",
    "ssim": "SSIM",
    "gain": "gain (dB)",
    "psnr_known": "known PSF (dB)",
    "psnr_fourier": "Fourier dB",
    "fourier_gap": "gap to known PSF",
    "error_ratio": "error ratio",
    "spectral_error_ratio": "spectral ratio",
    "psf_similarity": "PSF similarity",
    "confidence": "confidence",
    "relative_error": "relative error",
    "ellipticity_error": "ellipticity error",
}
"""Headings of the scores in tables, in this order."""

_COARSE = ("psnr", "gain", "psnr_known", "psnr_fourier", "fourier_gap", "error_ratio", "spectral_error_ratio")


@dataclass(frozen=True)
class Figure:
    """A published score.

    Attributes
    ----------
    protocol, method, source, note : str
        The benchmark and method, the publication, and the differences from this protocol.
    psnr : float
        In dB.
    comparable : bool
        Whether it can be compared with a score of the protocol.
    noise : float
        Fraction of the range; 0 for captured pictures.
    ssim : float, optional
        Structural similarity, where published.
    """

    protocol: str
    method: str
    psnr: float
    source: str
    comparable: bool
    note: str
    noise: float = 0.0
    ssim: float | None = None


@cache
def published() -> tuple[Figure, ...]:
    """Return the published scores that are included in the package.

    Examples
    --------
    >>> from deblur.benchmark import published
    >>> sorted({figure.protocol for figure in published()})
    ['circular8', 'levin-blind', 'levin-nonblind', 'levin-synthetic']
    """
    content = files(__package__).joinpath("published.toml").read_text(encoding="utf-8")
    return tuple(Figure(**figure) for figure in tomllib.loads(content)["figure"])


def text_table(results: Results) -> str:
    """Format the summary as plain text.

    Parameters
    ----------
    results : Results
        Of `run`.

    Returns
    -------
    str
        Aligned lines, without a final line break.

    Examples
    --------
    >>> from deblur.benchmark import Results, Row, text_table
    >>> rows = [Row("wiener", 0.01, f"im{i}", "kernel1", {"psnr": 25.0 + i, "ssim": 0.8}, 0.1) for i in range(3)]
    >>> print(text_table(Results("set14-levin", 1, tuple(rows))))
    method  noise  n  PSNR (dB)   95 % interval    SSIM  seconds
    wiener    1 %  3      26.00  25.00 to 27.00  0.8000    0.100
    """
    return aligned(*table(results))


def markdown_table(results: Results) -> str:
    """Format the summary as a Markdown table.

    Parameters
    ----------
    results : Results
        Of `run`.

    Returns
    -------
    str
        Lines, without a final line break.

    Examples
    --------
    >>> from deblur.benchmark import Results, Row, markdown_table
    >>> row = Row("wiener", 0.01, "im1", "kernel1", {"psnr": 25.0, "ssim": 0.8}, 0.1)
    >>> results = Results("set14-levin", 1, (row,))
    >>> print(markdown_table(results).splitlines()[2])
    | wiener | 1 % | 1 | 25.00 |  | 0.8000 | 0.100 |
    """
    return piped(*table(results))


def write_csv(results: Results, path: str | Path) -> None:
    """Write one line per picture, failures included, as CSV.

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
    >>> import pathlib, tempfile
    >>> from deblur.benchmark import Results, Row, write_csv
    >>> row = Row("wiener", 0.01, "im1", "kernel1", {"psnr": 25.0, "ssim": 0.8}, 0.1)
    >>> results = Results("set14-levin", 1, (row,))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "results.csv")
    ...     write_csv(results, path)
    ...     print(path.read_text().splitlines()[1])
    wiener,0.01,im1,kernel1,25.0,0.8,0.1,
    """
    scores = score_names(results)
    with atomic_path(path, overwrite=True) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "noise", "image", "psf", *scores, "seconds", "failure"])
        for row in results.rows:
            values = [row.scores.get(name, "") for name in scores]
            writer.writerow([row.method, row.noise, row.image, row.psf, *values, round(row.seconds, 4), ""])
        for failure in results.failures:
            names = [failure.method, failure.noise, failure.image, failure.psf]
            writer.writerow([*names, *[""] * (len(scores) + 1), failure.message])


def differences(results: Results) -> list[tuple[float, str, str, str]]:
    """Compare all pairs of methods: ``(noise, first, second, "mean dB, low to high")``, the better one first."""
    found = []
    for noise in dict.fromkeys(row.noise for row in results.rows):
        ranked = sorted((s for s in results.summary() if s.noise == noise), key=lambda s: -s.scores["psnr"])
        for first, second in combinations([each.method for each in ranked], 2):
            try:
                mean, low, high = results.difference(first, second, noise)
            except ValueError:  # no picture was restored by both
                continue
            found.append((noise, first, second, f"{mean:+.2f} dB, {low:+.2f} to {high:+.2f}"))
    return found


def notes(results: Results) -> list[str]:
    """Return the footnotes of a table of results: methods with an unfair advantage, and failures.

    Parameters
    ----------
    results : Results
        Of `run`.

    Returns
    -------
    list of str
        One line each; empty if there are none.

    Examples
    --------
    >>> from deblur.benchmark import Failure, Results, notes
    >>> notes(Results("set14-levin", 1, (), (Failure("wiener", 0.01, "im1", "kernel1", "ValueError: no"),)))
    ['wiener failed on im1, kernel1, noise 1 %: ValueError: no']
    """
    advantage = "is the best of several tries on each picture: an advantage over every method that chooses by itself."
    return [f"{label} {advantage}" for label in results.oracles] + [
        f"{each.method} failed on {each.image}, {each.psf}, noise {percent(each.noise)}: {each.message}"
        for each in results.failures
    ]


def score_names(results: Results) -> list[str]:
    """Return the names of all scores in the rows, in the order of `HEADINGS`."""
    present = {name for row in results.rows for name in row.scores}
    return [name for name in HEADINGS if name in present]


def table(results: Results) -> tuple[list[str], list[list[str]]]:
    """Return the headings and the cells of the summary."""
    summaries = results.summary()
    scores = [name for name in score_names(results) if any(name in each.scores for each in summaries)]
    success = sorted({limit for each in summaries for limit in each.success})
    interval = ["95 % interval"]
    headings = ["method", "noise", "n", HEADINGS["psnr"], *interval, *[HEADINGS[name] for name in scores[1:]]]
    headings += [f"ratio <= {limit:g}" for limit in success] + ["seconds"]
    return headings, [_cells(each, scores[1:], success) for each in summaries]


def aligned(headings: list[str], body: list[list[str]]) -> str:
    """Write cells as aligned lines, the first column to the left."""
    widths = [max(len(line[i]) for line in (headings, *body)) for i in range(len(headings))]
    lines = [
        "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(line, widths, strict=True)) for line in (headings, *body))
    ]
    return "\n".join(line.rstrip() for line in lines)


def piped(headings: list[str], body: list[list[str]]) -> str:
    """Write cells as a Markdown table."""
    rule = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in (headings, rule, *body)
    )


def percent(noise: float) -> str:
    """Format a noise level as a percentage, or a dash for captured pictures without added noise.

    Examples
    --------
    >>> percent(0.025), percent(0.0)
    ('2.5 %', '-')
    """
    return f"{100 * noise:g} %" if noise else "-"


def score(name: str, value: float | None) -> str:
    """Format a score with its significant digits."""
    if value is None:
        return ""
    return f"{value:.2f}" if name in _COARSE else f"{value:.4f}"


def _cells(summary: Summary, scores: Sequence[str], success: Sequence[float]) -> list[str]:
    low, high = summary.interval
    cells = [summary.method, percent(summary.noise), str(summary.n), score("psnr", summary.scores["psnr"])]
    cells.append(f"{low:.2f} to {high:.2f}" if summary.n > 1 else "")
    cells += [score(name, summary.scores.get(name)) for name in scores]
    return [*cells, *(f"{100 * summary.success[limit]:.0f} %" for limit in success), f"{summary.seconds:.3f}"]
