"""Results summed up by the size of the PSF, for protocols that have groups of sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ._protocols import Protocol
from ._report import HEADINGS, aligned, percent, piped, score
from ._results import Results, Row, Summary

_NOTICED = 0.3
"""Loss against the blurred picture, in dB, from which on a result counts as worse: about the least that is noticed."""

_SHOWN = ("psnr", "gain", "psnr_known", "error_ratio", "psf_similarity")
_ALL = "all"


def text_groups(results: Results, benchmark: Protocol) -> str:
    """Format the results by the size of the PSF as plain text.

    Parameters
    ----------
    results : Results
        Of `run`.
    benchmark : Protocol
        The protocol that was run.

    Returns
    -------
    str
        Aligned lines, without a final line break: the means of each size and of all, the shares of pictures with an
        error ratio up to 2 and 3, and how many are worse than the blurred picture by more than 0.3 dB. Empty if the
        protocol has no groups.

    Examples
    --------
    >>> from deblur.benchmark import Results, Row, protocol, text_groups
    >>> scores = {"psnr": 25.0, "ssim": 0.8, "gain": -1.0}
    >>> rows = [Row("blurred", 0.0, "text_01", name, scores, 0.1) for name in ("kernel31", "kernel75")]
    >>> print(text_groups(Results("lai-blind", 1, tuple(rows)), protocol("lai-blind")))
    method   noise   PSFs  n  PSNR (dB)  gain (dB)  worse by > 0.3 dB
    blurred      -  31 px  1      25.00      -1.00                  1
    blurred      -  75 px  1      25.00      -1.00                  1
    blurred      -    all  2      25.00      -1.00                  2
    """
    headings, body = group_table(results, benchmark)
    return aligned(headings, body) if body else ""


def markdown_groups(results: Results, benchmark: Protocol) -> str:
    """Format the results by the size of the PSF as Markdown; empty if the protocol has no groups."""
    headings, body = group_table(results, benchmark)
    return piped(headings, body) if body else ""


def group_table(results: Results, benchmark: Protocol) -> tuple[list[str], list[list[str]]]:
    """Return the headings and cells of the results by the size of the PSF; none if the protocol has no groups."""
    if benchmark.group is None:
        return [], []
    summaries = [
        (each, name, rows)
        for whole in results.summary()
        for name, rows in _grouped(results, whole, benchmark.group)
        for each in replace(results, rows=tuple(rows)).summary()
    ]
    scores = [name for name in _SHOWN if any(name in each.scores for each, _, _ in summaries)]
    has_ratio, has_gain = "error_ratio" in scores, "gain" in scores
    headings = ["method", "noise", "PSFs", "n", *(HEADINGS[name] for name in scores)]
    headings += ["ratio <= 2", "ratio <= 3"] * has_ratio + [f"worse by > {_NOTICED} dB"] * has_gain
    body = []
    for each, name, rows in summaries:
        cells = [each.method, percent(each.noise), name, str(each.n)]
        cells += [score(key, each.scores.get(key)) for key in scores]
        cells += [f"{100 * each.success[limit]:.0f} %" for limit in (2.0, 3.0) if has_ratio]
        body.append(cells + ([_losses(rows)] if has_gain else []))
    return headings, body


def _grouped(results: Results, whole: Summary, group: Callable[[str], str]) -> list[tuple[str, list[Row]]]:
    """Return the rows of a method at a noise level by group, smallest first, and then all of them."""
    groups: dict[str, list[Row]] = {}
    rows = [row for row in results.rows if (row.method, row.noise) == (whole.method, whole.noise)]
    for row in rows:
        groups.setdefault(group(row.psf), []).append(row)
    return [*sorted(groups.items(), key=lambda each: int(each[0].split()[0])), (_ALL, rows)]


def _losses(rows: Sequence[Row]) -> str:
    return str(sum(row.scores["gain"] < -_NOTICED for row in rows))
