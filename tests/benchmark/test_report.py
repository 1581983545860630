"""Reports: what they say is what was measured, and the page works in a browser without a network."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from deblur.benchmark import _html
from deblur.benchmark._groups import group_table, text_groups
from deblur.benchmark._html import write_page, write_reports
from deblur.benchmark._protocols import PROTOCOLS
from deblur.benchmark._quick import expected
from deblur.benchmark._report import Figure, markdown_table, notes, published, text_table, write_csv
from deblur.benchmark._results import Results, Row
from deblur.benchmark._runner import run

from .toy import FAILING, ORACLE, TOY

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
HOSTILE = replace(TOY, summary="<script>throw 1</script> & more", caveat='A "caveat" < 1.')


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Path]:
    folder = tmp_path_factory.mktemp("run")
    return run(HOSTILE, ["wiener", "blurred", FAILING, ORACLE], noises=[0.01, 0.1], folder=folder), folder


@pytest.fixture
def page(results: tuple[Results, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    figures = (
        Figure("toy", "Someone 2020", 99.5, "A <journal>", True, "The same.", noise=0.01, ssim=0.9),
        Figure("toy", "Nobody 1999", 9.5, "A book", False, "Another crop.", noise=0.3),
    )
    monkeypatch.setattr(_html, "published", lambda: figures)
    write_page(results[0], HOSTILE, tmp_path / "report.html", folder=results[1])
    return tmp_path / "report.html"


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_is_self_contained_and_escaped(page: Path) -> None:
    text = page.read_text()
    tags = Tags(text).found
    links = [value for _, attributes in tags for name, value in attributes.items() if name in ("src", "href")]
    assert links
    assert all(str(link).startswith("data:") for link in links)
    assert "url(" not in text
    assert "@import" not in text
    assert sum(tag == "script" for tag, _ in tags) == 1  # and not the one in the summary
    assert "&lt;script&gt;" in text
    assert "A &lt;journal&gt;" in text
    assert "$" not in re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)


def test_the_page_shows_pictures_boxes_failures_and_what_was_published(page: Path) -> None:
    text = page.read_text()
    tags = Tags(text).found
    cases = 2 * 4  # noise levels x pictures that are kept
    assert sum(tag == "option" for tag, _ in tags) == cases
    # Of each a truth, and a picture with its error for every method; one of the four pictures is of im2.
    assert sum(tag == "img" for tag, _ in tags) == cases * (1 + 2 * 4) - 2 * 2
    assert sum(tag == "svg" for tag, _ in tags) == 2
    assert "Someone 2020" in text
    assert "Nobody 1999" not in text  # at a noise that was not run
    assert "failing failed on im2, psf1, noise 1 %: ArithmeticError: no solution" in text
    assert "oracle is the best of several tries" in text


@pytest.mark.skipif(BROWSER is None, reason="no headless Chromium")
def test_the_page_in_a_browser(page: Path, tmp_path: Path) -> None:
    """Sorting, the menu of pictures, and a silent console: a script that is added to the page acts the reader."""
    reader = """<script>
      const all = what => [...document.querySelectorAll(what)];
      const column = number => all("#scores tbody tr").map(row => row.cells[number].dataset.value).join();
      const click = name => all("#scores th button").find(button => button.textContent == name).click();
      const shown = () => all(".pictures").filter(each => !each.hidden).map(each => each.dataset.case).join();
      const log = [shown(), column(4)];
      click("PSNR (dB)"); log.push(column(4)); click("PSNR (dB)"); log.push(column(4));
      click("method"); log.push(column(0));
      chooser.value = "3"; chooser.dispatchEvent(new Event("change")); log.push(shown());
      log.push([...document.images].every(i => i.complete && i.naturalWidth > 0));
      document.body.innerHTML = "<pre>" + log.join("|") + "</pre>";
    </script></body>"""
    script = reader.replace("const log", "onload = () => { const log").replace("</script>", "};</script>")
    (tmp_path / "acted.html").write_text(page.read_text().replace("</body>", script))
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    log = ["--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=2000"]
    command = [str(BROWSER), *flags, *log, "--dump-dom", (tmp_path / "acted.html").as_uri()]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in ran.stderr
    found = re.search(r"<pre>(.*)</pre>", ran.stdout)
    assert found, ran.stdout[-2000:] + ran.stderr[-2000:]
    first, unsorted, falling, rising, by_name, chosen, loaded = found[1].split("|")
    assert (first, chosen, loaded) == ("0", "3", "true")
    scores = [float(value) for value in unsorted.split(",")]
    assert scores not in (sorted(scores), sorted(scores, reverse=True))
    assert [float(value) for value in falling.split(",")] == sorted(scores, reverse=True)
    assert [float(value) for value in rising.split(",")] == sorted(scores)
    assert by_name.split(",") == sorted(by_name.split(","), key=str.lower)


def test_groups_without_a_gain_count_none() -> None:
    rows = (Row("mine", 0.01, "im", "psf1", {"psnr": 20.0, "ssim": 0.5}, 0.1),)
    headings, body = group_table(Results("toy", 1, rows), replace(TOY, group=lambda psf: f"{psf[-1]} px"))
    assert headings == ["method", "noise", "PSFs", "n", "PSNR (dB)"]
    assert [line[2:] for line in body] == [["1 px", "1", "20.00"], ["all", "1", "20.00"]]


def test_groups_count_the_pictures_that_are_worse(tmp_path: Path) -> None:
    sized = replace(TOY, group=lambda psf: f"{psf[-1]} px")
    gains = {"psf1": (1.0, -0.2, -0.4), "psf2": (2.0, 3.0, -5.0)}
    rows = [
        Row("mine", 0.01, f"im{number}", name, {"psnr": 20 + gain, "ssim": 0.5, "gain": gain}, 0.1)
        for name, values in gains.items()
        for number, gain in enumerate(values)
    ]
    results = Results("toy", 1, tuple(rows))
    headings, body = group_table(results, sized)
    place = [headings.index(name) for name in ("PSFs", "n", "gain (dB)", "worse by > 0.3 dB")]
    shown = [[line[at] for at in place] for line in body]
    assert shown == [["1 px", "3", "0.13", "1"], ["2 px", "3", "0.00", "1"], ["all", "6", "0.07", "2"]]
    assert text_groups(results, TOY) == ""
    _, _, markdown, page = write_reports(results, sized, tmp_path)
    assert "worse by > 0.3 dB" in markdown.read_text()
    assert "worse by &gt; 0.3 dB" in page.read_text()


def test_all_reports_at_once(results: tuple[Results, Path]) -> None:
    paths = write_reports(results[0], HOSTILE, results[1])
    assert [path.name for path in paths] == ["results.json", "results.csv", "results.md", "report.html"]
    assert all(path.stat().st_size > 100 for path in paths)
    assert HOSTILE.caveat in paths[2].read_text()


def test_csv_has_a_line_a_case(results: tuple[Results, Path], tmp_path: Path) -> None:
    write_csv(results[0], tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(results[0].rows) + len(results[0].failures) == 4 * 2 * 6
    assert float(lines[0]["psnr"]) == results[0].rows[0].scores["psnr"]
    assert lines[-1]["failure"] == "ArithmeticError: no solution"
    assert lines[-1]["psnr"] == ""


def test_tables_have_a_line_a_summary(results: tuple[Results, Path]) -> None:
    summary = results[0].summary()
    lines = text_table(results[0]).splitlines()
    assert len(lines) == 1 + len(summary)
    assert len({len(line) for line in lines}) == 1
    assert f"{summary[0].scores['psnr']:.2f}" in lines[1]
    marked = markdown_table(results[0]).splitlines()
    assert len(marked) == 2 + len(summary)
    assert len({line.count("|") for line in marked}) == 1
    assert any("failed" in note for note in notes(results[0]))


def test_one_picture_has_no_interval() -> None:
    row = Row("wiener", 0.0, "bars", "kernel", {"psnr": 26.0, "ssim": 0.5, "relative_error": 0.9}, 1.0)
    line = text_table(Results("bars3d", 1, (row,))).splitlines()[1]
    assert line.split() == ["wiener", "-", "1", "26.00", "0.5000", "0.9000", "1.000"]


def test_results_without_a_row_still_report(tmp_path: Path) -> None:
    results = run(TOY, [FAILING], noises=[0.01], limit=2)
    nothing = Results("toy", 1, (), results.failures)
    write_page(nothing, TOY, tmp_path / "report.html", folder=tmp_path)
    write_csv(nothing, tmp_path / "results.csv")
    assert "failing failed on im2" in (tmp_path / "report.html").read_text()
    assert text_table(nothing).startswith("method")


def test_published_and_expected_figures_name_protocols_and_levels_that_exist() -> None:
    levels = {each.name: each.noises or (0.0,) for each in PROTOCOLS}
    for figure in published():
        assert figure.noise in levels[figure.protocol]
        assert 10 < figure.psnr < 45
        assert figure.source
        assert figure.note
    for entry in expected():
        assert entry.noise in levels[entry.protocol]
