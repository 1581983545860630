"""The report of a run: sortable scores beside published ones, box plots and pictures in one self-contained page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np

from deblur._core.atomic import atomic_path

from ._cache import Cache, png, view
from ._groups import group_table, markdown_groups
from ._protocols import Protocol
from ._report import (
    HEADINGS,
    Figure,
    differences,
    markdown_table,
    notes,
    percent,
    published,
    score,
    score_names,
    write_csv,
)
from ._results import Results, Row, Summary, write_json
from ._runner import case_key

_GAIN = 5
"""Factor by which error maps amplify absolute errors, so that one of 2 % shows."""


def write_page(results: Results, benchmark: Protocol, path: str | Path, *, folder: str | Path | None = None) -> None:
    """Write the report as an HTML page; an existing file is replaced.

    Parameters
    ----------
    results : Results
        Of `run`.
    benchmark : Protocol
        The protocol that was run.
    path : path-like
        The page.
    folder : path-like, optional
        The folder of the run, which contains the pictures; without it, the page shows none.

    Raises
    ------
    OSError
        If it cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from deblur.benchmark import Results, Row, protocol, write_page
    >>> row = Row("wiener", 0.01, "im1", "kernel1", {"psnr": 25.0, "ssim": 0.8}, 0.1)
    >>> results = Results("set14-levin", 1, (row,))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "report.html")
    ...     write_page(results, protocol("set14-levin"), path)
    ...     "25.00" in path.read_text(encoding="utf-8")
    True
    """
    levels = {row.noise for row in results.rows}
    figures = [each for each in published() if each.protocol == results.protocol and each.noise in levels]
    sources = _sources(figures)
    scores = score_names(results)
    success = sorted({limit for each in results.summary() for limit in each.success})
    rows = [_run_row(each, scores, success) for each in results.summary()]
    for each in figures:
        number = sources.index((each.source, each.comparable, each.note)) + 1
        rows.append(_published_row(each, number, scores, success))
    lines = [f"[{number}] {source}. {note}" for number, (source, _, note) in enumerate(sources, start=1)]
    notices = _paragraphs([*notes(results), *lines])
    sections = [notices, _groups(results, benchmark), _differences(results), _boxes(results)]
    if folder is not None:
        sections.append(_pictures(results, benchmark, Cache(Path(folder).absolute())))
    page = Template(files(__package__).joinpath("_page.html").read_text(encoding="utf-8")).substitute(
        title=escape(f"{results.protocol}, version {results.version}"),
        summary=escape(benchmark.summary),
        caveat=f'<p class="caveat">{escape(benchmark.caveat)}</p>' if benchmark.caveat else "",
        headings="".join(_headings(scores, success)),
        rows="\n".join(rows),
        sections="\n".join(section for section in sections if section),
    )
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_text(page, encoding="utf-8")


def write_reports(results: Results, benchmark: Protocol, folder: str | Path) -> list[Path]:
    """Write ``results.json``, ``results.csv``, ``results.md`` and ``report.html`` into the folder of a run.

    Parameters
    ----------
    results : Results
        Of `run`.
    benchmark : Protocol
        The protocol that was run.
    folder : path-like
        The folder of the run; existing files of these names are replaced.

    Returns
    -------
    list of pathlib.Path
        The four files.

    Raises
    ------
    OSError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from deblur.benchmark import Results, Row, protocol, write_reports
    >>> row = Row("wiener", 0.01, "im1", "kernel1", {"psnr": 25.0, "ssim": 0.8}, 0.1)
    >>> results = Results("set14-levin", 1, (row,))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_reports(results, protocol("set14-levin"), folder)]
    ['results.json', 'results.csv', 'results.md', 'report.html']
    """
    paths = [Path(folder) / name for name in ("results.json", "results.csv", "results.md", "report.html")]
    write_json(results, paths[0])
    write_csv(results, paths[1])
    lines = [f"# {results.protocol}, version {results.version}", benchmark.summary, benchmark.caveat]
    with atomic_path(paths[2], overwrite=True) as temporary:
        tables = [markdown_table(results), markdown_groups(results, benchmark)]
        text = "\n\n".join(filter(None, [*lines, *tables, *notes(results)]))
        temporary.write_text(text + "\n", encoding="utf-8")
    write_page(results, benchmark, paths[3], folder=folder)
    return paths


def _paragraphs(lines: list[str]) -> str:
    return "".join(f'<p class="soft">{escape(line)}</p>' for line in lines)


def _headings(scores: list[str], success: list[float]) -> Iterator[str]:
    falling = {"psnr", "ssim", "gain", "psnr_known", "psf_similarity", "confidence"}
    yield _heading("method", "text", "ascending")
    yield _heading("source", "text", "ascending")
    yield _heading("noise", "number", "ascending")
    yield _heading("n", "number", "descending")
    for name in scores:
        yield _heading(HEADINGS[name], "number", "descending" if name in falling else "ascending")
        if name == "psnr":
            yield _heading("95 % interval", "number", "descending")
    for limit in success:
        yield _heading(f"ratio ≤ {limit:g}", "number", "descending")
    yield _heading("seconds", "number", "ascending")


def _heading(name: str, kind: str, first: str) -> str:
    css = ' class="text"' if kind == "text" else ""
    attributes = f'{css} data-kind="{kind}" data-first="{first}" aria-sort="none" scope="col"'
    return f'<th{attributes}><button type="button">{escape(name)}</button></th>'


def _cell(shown: str, value: float | str | None, css: str = "") -> str:
    value = "" if value is None else value
    return f'<td{f" class={css!r}" if css else ""} data-value="{escape(str(value))}">{escape(shown)}</td>'


def _run_row(summary: Summary, scores: list[str], success: list[float]) -> str:
    low, high = summary.interval
    cells = [_cell(summary.method, summary.method), _cell("this run", "", "text")]
    cells += [_cell(percent(summary.noise), summary.noise), _cell(str(summary.n), summary.n)]
    for name in scores:
        cells.append(_cell(score(name, summary.scores.get(name)), summary.scores.get(name)))
        if name == "psnr":
            cells.append(_cell(f"{low:.2f} to {high:.2f}" if summary.n > 1 else "", low if summary.n > 1 else None))
    cells += [_cell(f"{100 * share:.0f} %", share) for share in (summary.success.get(limit, 0.0) for limit in success)]
    cells.append(_cell(f"{summary.seconds:.3f}", summary.seconds))
    return f"<tr>{''.join(cells)}</tr>"


def _published_row(figure: Figure, number: int, scores: list[str], success: list[float]) -> str:
    known = {"psnr": figure.psnr, "ssim": figure.ssim}
    verdict = "comparable" if figure.comparable else "not comparable"
    cells = [_cell(figure.method, figure.method)]
    cells.append(_cell(f"published, {verdict} [{number}]", f"{verdict} {number}", "text"))
    cells += [_cell(percent(figure.noise), figure.noise), _cell("", None)]
    for name in scores:
        value = known.get(name)
        digits = 3 if name == "ssim" else 2
        cells.append(_cell("" if value is None else f"{value:.{digits}f}", value))
        if name == "psnr":
            cells.append(_cell("", None))
    cells += [_cell("", None)] * (len(success) + 1)
    return f'<tr class="published">{"".join(cells)}</tr>'


def _sources(figures: list[Figure]) -> list[tuple[str, bool, str]]:
    """Return the numbered sources of the published rows: publication, whether comparable, and the differences."""
    return list(dict.fromkeys((figure.source, figure.comparable, figure.note) for figure in figures))


def _groups(results: Results, benchmark: Protocol) -> str:
    headings, body = group_table(results, benchmark)
    if not body:
        return ""
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in headings)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in body)
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"
    return f'<h2>By the size of the PSF</h2><div class="wide">{table}</div>'


def _differences(results: Results) -> str:
    lines = [
        f'<tr><td>{escape(first)}</td><td class="text">{escape(second)}</td>'
        f"<td>{percent(noise)}</td><td>{text}</td></tr>"
        for noise, first, second, text in differences(results)
    ]
    if not lines:
        return ""
    heads = '<th scope="col">method</th><th class="text" scope="col">against</th><th scope="col">noise</th>'
    table = f'<table><thead><tr>{heads}<th scope="col">PSNR, 95 % interval</th></tr></thead><tbody>'
    return f'<h2>Paired differences</h2><div class="wide">{table}{"".join(lines)}</tbody></table></div>'


def _boxes(results: Results) -> str:
    levels = list(dict.fromkeys(row.noise for row in results.rows))
    return "".join(_box_plot(results, noise) for noise in levels)


def _box_plot(results: Results, noise: float) -> str:
    """Draw quartiles, whiskers to the extremes, and one dot per picture."""
    groups: dict[str, list[float]] = {}
    for row in results.rows:
        if row.noise == noise and np.isfinite(row.scores["psnr"]):
            groups.setdefault(row.method, []).append(row.scores["psnr"])
    if not groups:
        return ""
    low = np.floor(min(min(values) for values in groups.values()))
    high = max(np.ceil(max(max(values) for values in groups.values())), low + 1)
    label, width, line = 8 * max(len(name) for name in groups) + 12, 640, 34
    height = line * len(groups) + 34

    def x(value: float) -> str:
        return f"{label + (value - low) / (high - low) * width:.1f}"

    step = next(s for s in (1, 2, 5, 10, 20, 50) if (high - low) / s <= 12)
    parts = []
    for tick in np.arange(np.ceil(low / step) * step, high + 1e-9, step):
        parts.append(f'<line class="axis" x1="{x(tick)}" x2="{x(tick)}" y1="4" y2="{height - 28}"/>')
        parts.append(f'<text class="tick" x="{x(tick)}" y="{height - 12}" text-anchor="middle">{tick:g}</text>')
    for number, (name, values) in enumerate(groups.items()):
        middle = 4 + line * number + line / 2
        ends, quartiles = (min(values), max(values)), np.quantile(values, [0.25, 0.5, 0.75])
        parts += [
            f'<text x="{label - 10}" y="{middle + 4}" text-anchor="end">{escape(name)}</text>',
            f'<line class="whisker" x1="{x(ends[0])}" x2="{x(ends[1])}" y1="{middle}" y2="{middle}"/>',
            f'<rect class="box" x="{x(quartiles[0])}" y="{middle - 9}" height="18" '
            f'width="{float(x(quartiles[2])) - float(x(quartiles[0])):.1f}"/>',
            *(f'<circle class="dot" cx="{x(v)}" cy="{middle}" r="1.6" opacity="0.55"/>' for v in values),
            f'<line class="median" x1="{x(quartiles[1])}" x2="{x(quartiles[1])}" y1="{middle - 9}" y2="{middle + 9}"/>',
        ]
    title = "PSNR (dB) of every picture" + (f" at {percent(noise)} noise" if noise else "")
    size = f'width="{label + width + 24}" height="{height}"'
    return f'<h2>{title}</h2><div class="wide"><svg {size} role="img" aria-label="{title}">{"".join(parts)}</svg></div>'


def _pictures(results: Results, benchmark: Protocol, cache: Cache) -> str:
    """Show the stored pictures of each case, selected by a menu."""
    cases: dict[tuple[float, str, str], list[Row]] = {}
    for row in results.rows:
        if cache.has_picture(case_key(benchmark, row.method, row.noise, row.image, row.psf)):
            cases.setdefault((row.noise, row.image, row.psf), []).append(row)
    options, panels = [], []
    for number, (case, rows) in enumerate(cases.items()):
        noise, image, psf = case
        name = f"{image}, {psf}" + (f", {percent(noise)} noise" if noise else "")
        options.append(f'<option value="{number}">{escape(name)}</option>')
        panels.append(_panel(number, benchmark, rows, cache))
    if not panels:
        return ""
    note = f"The center of each picture, as it is scored. Below it, the absolute error, amplified {_GAIN} times."
    menu = f'<p><label>Picture: <select id="chooser">{"".join(options)}</select></label></p>'
    return f'<h2>Pictures</h2><p class="soft">{note}</p>{menu}{"".join(panels)}'


def _panel(number: int, benchmark: Protocol, rows: list[Row], cache: Cache) -> str:
    noise, image, psf = rows[0].noise, rows[0].image, rows[0].psf
    sample = benchmark.observe(image, psf, noise)
    blurred, truth = (view(each) for each in benchmark.compared(sample.blurred, sample))
    figures = [_picture("truth", truth)]
    if not any(row.method == "blurred" for row in rows):
        figures.append(_picture("blurred", blurred, truth))
    for row in rows:
        shown = cache.picture(case_key(benchmark, row.method, noise, image, psf))
        figures.append(_picture(f"{row.method}: {row.scores['psnr']:.2f} dB", shown, truth))
    return f'<div class="pictures" data-case="{number}">{"".join(figures)}</div>'


def _picture(caption: str, pixels: np.ndarray, truth: np.ndarray | None = None) -> str:
    images = [(pixels, caption)]
    if truth is not None:
        error = np.abs(pixels.astype(int) - truth.astype(int)) * _GAIN
        images.append((np.clip(error, 0, 255).astype(np.uint8), f"error of {caption}"))
    tags = (
        f'<img alt="{escape(name)}" src="data:image/png;base64,{b64encode(png(each)).decode()}">'
        for each, name in images
    )
    return f"<figure><figcaption>{escape(caption)}</figcaption>{''.join(tags)}</figure>"
