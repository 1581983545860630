"""Runs: deterministic, resumable, and stopped by nothing that a method does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deblur._core.progress import Progress
from deblur.benchmark import _cache, _quick
from deblur.benchmark._methods import Method
from deblur.benchmark._quick import _Expected, quick
from deblur.benchmark._results import Failure, Results, Row, write_json
from deblur.benchmark._runner import run
from deblur.benchmark._samples import Estimate, Sample

from .toy import FAILING, NAN, ORACLE, TOY


def scores(results: Results) -> list[tuple[str, float, str, str, dict[str, float]]]:
    return [(row.method, row.noise, row.image, row.psf, row.scores) for row in results.rows]


def test_rows_are_in_order_and_do_not_depend_on_jobs_limit_or_company() -> None:
    methods = ["wiener", "blurred", "richardson_lucy(num_iter=5)"]
    one, two = (run(TOY, methods, jobs=jobs) for jobs in (1, 2))
    assert scores(one) == scores(two)
    names = [(row.method, row.noise, row.image, row.psf) for row in one.rows]
    images = [(image, psf) for image in ("im1", "im2", "im3") for psf in ("psf1", "psf2")]
    assert names == [(method, noise, *pair) for method in methods for noise in (0.01, 0.1) for pair in images]
    alone = run(TOY, ["wiener"], noises=[0.1], limit=2)
    assert len(alone.rows) == 2
    assert all(row in scores(one) for row in scores(alone))


def test_a_failure_is_reported_and_the_rest_goes_on() -> None:
    results = run(TOY, [FAILING, NAN, "blurred"], noises=[0.01])
    assert [row.method for row in results.rows] == ["failing"] * 4 + ["blurred"] * 6
    assert Failure("failing", 0.01, "im2", "psf1", "ArithmeticError: no solution") in results.failures
    assert len(results.failures) == 2 + 6
    assert "NaN or infinite" in results.failures[-1].message


def test_an_oracle_gets_its_best_try() -> None:
    results = run(TOY, [ORACLE, "blurred"], limit=3)
    best, blurred = results.summary()[0], results.summary()[2]
    assert best.scores == blurred.scores
    assert results.oracles == ("oracle",)


class InterruptionError(Exception):
    pass


def interrupt_after(count: int) -> Progress:
    def progress(fraction: float, stage: str) -> None:
        if stage.startswith(f"{count} of"):
            raise InterruptionError

    return progress


def test_an_interrupted_run_resumes(tmp_path: Path) -> None:
    with pytest.raises(InterruptionError):
        run(TOY, ["wiener", "blurred"], folder=tmp_path, progress=interrupt_after(7))
    log = tmp_path / "cases.jsonl"
    log.write_text(log.read_text()[:-20])  # the last line cut short, as by a kill in the middle of it
    seen: list[tuple[float, str]] = []
    computed: list[Row | Failure] = []
    resumed = run(
        TOY, ["wiener", "blurred"], folder=tmp_path, progress=lambda *now: seen.append(now), on_case=computed.append
    )
    assert seen[0] == (0.25, "6 of 24 cases")
    assert seen[-1] == (1.0, "24 of 24 cases")
    assert all(re.fullmatch(r"\d+ of 24 cases, \d+ s left", stage) for _, stage in seen[1:-1])
    assert len(computed) == len(seen) - 1 == 18
    assert all(row in resumed.rows for row in computed)
    assert scores(resumed) == scores(run(TOY, ["wiener", "blurred"]))
    seen.clear()
    run(TOY, ["wiener", "blurred"], folder=tmp_path, progress=lambda *now: seen.append(now), on_case=computed.append)
    assert seen == [(1.0, "24 of 24 cases")]
    assert len(computed) == 18  # nothing was left to do


def test_the_remaining_time_is_estimated_from_each_methods_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    def spend(seconds: float) -> Callable[[Sample], Estimate]:
        def restore(sample: Sample) -> Estimate:
            nonlocal now
            now += seconds
            return Estimate(sample.blurred)

        return restore

    now, stages = 0.0, []
    monkeypatch.setattr("deblur.benchmark._runner.time.perf_counter", lambda: now)
    methods = [Method("slow", (spend(100.0),)), Method("quick", (spend(1.0),))]
    run(TOY, methods, noises=[0.01], limit=2, progress=lambda fraction, stage: stages.append(stage))
    assert stages[1:4] == ["1 of 4 cases, 5 min left", "2 of 4 cases, 2 min left", "3 of 4 cases, 1 s left"]


def test_what_a_score_depends_on_makes_its_case_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def done_before(benchmark=TOY, method: str = "wiener") -> int:
        computed: list[Row | Failure] = []
        results = run(benchmark, [method], noises=[0.01], folder=tmp_path, on_case=computed.append)
        return len(results.rows) - len(computed)

    assert done_before() == 0
    assert done_before() == 6
    assert done_before(method="wiener(balance=0.1)") == 0
    assert done_before(replace(TOY, version=2)) == 0
    assert done_before(replace(TOY, source=(("file", "sha256"),))) == 0
    monkeypatch.setattr("deblur.benchmark._runner.code_version", lambda: "changed")
    assert done_before() == 0


def test_code_version_is_of_the_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = _cache.code_version.__wrapped__()
    assert before == _cache.code_version.__wrapped__()
    package = tmp_path / "deblur"
    (package / "benchmark").mkdir(parents=True)
    monkeypatch.setattr(_cache, "__file__", str(package / "benchmark" / "_cache.py"))
    (package / "one.py").write_text("a = 1\n")
    one = _cache.code_version.__wrapped__()
    (package / "one.py").write_text("a = 2\n")
    assert len({before, one, _cache.code_version.__wrapped__()}) == 3


def test_failures_are_tried_again(tmp_path: Path) -> None:
    again: list[Row | Failure] = []
    run(TOY, [FAILING], noises=[0.01], folder=tmp_path)
    results = run(TOY, [FAILING], noises=[0.01], folder=tmp_path, on_case=again.append)
    assert len(results.rows) == 4
    assert set(again) == set(results.failures)
    assert len(again) == 2


def test_the_json_has_the_documented_shape(tmp_path: Path) -> None:
    results = run(TOY, ["blurred"], noises=[0.01])
    write_json(results, tmp_path / "results.json")
    content = json.loads((tmp_path / "results.json").read_text())
    assert list(content) == ["protocol", "version", "rows", "summary"]
    assert list(content["rows"][0]) == ["method", "noise", "image", "psf", "psnr", "ssim", "seconds"]
    keys = ["method", "noise", "n", "psnr", "ssim", "seconds", "psnr_low", "psnr_high"]
    assert [list(each) for each in content["summary"]] == [keys]
    assert content["summary"][0]["noise"] == 0.01
    assert content["summary"][0]["psnr_low"] <= content["summary"][0]["psnr"] <= content["summary"][0]["psnr_high"]


def test_the_json_of_a_blind_protocol_has_ratios() -> None:
    scores = [{"psnr": 30.0, "ssim": 0.9, "error_ratio": ratio} for ratio in (1.2, 2.5)]
    rows = tuple(Row("m", 0.0, "im", f"k{i}", each, 1.0) for i, each in enumerate(scores))
    content = Results("levin-blind", 1, rows).as_json()
    assert content["rows"][1]["error_ratio"] == 2.5
    assert content["summary"][0]["error_ratio"] == pytest.approx(1.85)
    assert content["summary"][0]["success_2"] == 0.5


def test_a_paired_difference_is_of_the_pictures_that_both_have() -> None:
    rng = np.random.default_rng(0)
    base = 25 + 5 * rng.standard_normal(40)
    rows = [Row("a", 0.01, f"im{i}", "k", {"psnr": base[i] + 1, "ssim": 1.0}, 0.0) for i in range(40)]
    rows += [Row("b", 0.01, f"im{i}", "k", {"psnr": base[i], "ssim": 1.0}, 0.0) for i in range(3, 40)]
    results = Results("toy", 1, tuple(rows))
    assert results.difference("a", "b", 0.01) == pytest.approx((1, 1, 1))
    with pytest.raises(ValueError, match=r"a and b have no picture in common at noise 0\.1"):
        results.difference("a", "b", 0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": []}, "methods must name at least one, got none"),
        ({"noises": [1.0, 3.0]}, "noises must be fractions from 0 to 1"),
        ({"noises": [float("nan")]}, "noises must be fractions from 0 to 1"),
        ({"limit": 0}, "limit must be at least 1, got 0"),
        ({"jobs": 0}, "jobs must be at least 1, got 0"),
        ({"benchmark": "levin-blind"}, "levin-blind withholds the PSF, which wiener needs; give a blind method"),
        ({"benchmark": "levin-nonblind", "noises": [0.01]}, "the pictures of levin-nonblind are captured"),
    ],
)
def test_bad_requests(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(**{"benchmark": TOY, "methods": ["wiener"]} | options)


def test_a_loss_is_noticed(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On one picture; all of ``expected.toml`` is checked by ``deblur bench --quick``, which takes two minutes."""
    stored = [(0.01, "blurred", 10.0), (0.01, "wiener", 10.0), (0.03, "wiener", 60.0)]
    entries = tuple(_Expected("circular8", noise, 1, method, score) for noise, method, score in stored)
    monkeypatch.setattr(_quick, "expected", lambda: entries)
    checks = quick()
    assert [(check.noise, check.method, check.expected) for check in checks] == stored
    assert [check.passed for check in checks] == [True, True, False]
    assert checks[1].measured > checks[2].measured > 10
