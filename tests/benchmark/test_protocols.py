"""Every protocol: the same sample each time, the anchors, and bad input in one line."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deblur import psf
from deblur.benchmark._comparisons import with_true_psf
from deblur.benchmark._folder import folder_protocol
from deblur.benchmark._protocols import PROTOCOLS, Protocol, protocol
from deblur.benchmark._runner import run
from deblur.benchmark._samples import Estimate, crossed, simulate
from deblur.cli._app_bench import _protocols_epilog

each_protocol = pytest.mark.parametrize("benchmark_", PROTOCOLS, ids=lambda each: each.name)


@pytest.fixture
def own(tmp_path: Path) -> Protocol:
    """Two small images and two PSFs of one's own."""
    import cv2

    rng = np.random.default_rng(0)
    for name, shape in (("a.png", (40, 48)), ("b.png", (36, 30))):
        cv2.imwrite(str(tmp_path / name), rng.integers(256, size=shape, dtype=np.uint8))
    (tmp_path / "psfs").mkdir()
    psf.save(tmp_path / "psfs" / "even.npy", np.ones((4, 2)) / 8)
    psf.save(tmp_path / "psfs" / "odd.npy", psf.gaussian(1.0))
    return folder_protocol(tmp_path, tmp_path / "psfs")


def test_ones_own_files_with_the_psf_withheld(tmp_path: Path, own: Protocol) -> None:
    blind = folder_protocol(tmp_path, tmp_path / "psfs", blind=True)
    assert (blind.blind, own.blind) == (True, False)
    assert blind.pairs() == own.pairs()
    sample = blind.observe(*blind.pairs()[1], 0.005)
    np.testing.assert_array_equal(np.round(sample.blurred * 255), sample.blurred * 255)
    large = sample._replace(truth=np.tile(sample.truth, (2, 2)), blurred=np.tile(sample.truth, (2, 2)))
    moved = np.roll(large.truth, (3, -2), axis=(0, 1)).astype(np.float32)
    assert blind.compared(moved, large)[0] == pytest.approx(large.truth[15:-15, 15:-15], abs=1 / 255)


@each_protocol
def test_the_help_of_the_command_lists_the_title(benchmark_: Protocol) -> None:
    assert benchmark_.title
    assert f"  {benchmark_.name} " in _protocols_epilog()
    assert f" {benchmark_.title}\n" in _protocols_epilog()


@each_protocol
def test_cases_are_distinct_and_protocols_reach_other_processes(
    benchmark_: Protocol, request: pytest.FixtureRequest
) -> None:
    if benchmark_.name == "shakes-blind":  # chooses pictures that are large enough
        request.getfixturevalue("data_dir")
    pairs = benchmark_.pairs()
    assert len(set(pairs)) == len(pairs) > 0
    assert pickle.loads(pickle.dumps(benchmark_)).pairs() == pairs  # noqa: S301


@each_protocol
def test_a_sample_is_the_same_every_time(benchmark_: Protocol, data_dir: Path) -> None:
    noise = benchmark_.noises[-1] if benchmark_.noises else 0.0
    for image, name in benchmark_.pairs()[:2]:
        first, second = (benchmark_.observe(image, name, noise) for _ in range(2))
        np.testing.assert_array_equal(first.blurred, second.blurred)
        assert first.blurred.shape == first.truth.shape
        assert first.psf.min() >= 0
        assert 0.9 < first.psf.sum() < 1.1
        scores = benchmark_.score(Estimate(first.blurred), first)
        assert {"psnr", "ssim"} <= set(scores)
        assert np.isfinite(list(scores.values())).all()


@pytest.mark.parametrize(("name", "anchor"), [("circular8", 20.20), ("set14-levin", 21.10)])
def test_blurred_anchor(name: str, anchor: float, data_dir: Path) -> None:
    (summary,) = run(name, ["blurred"], noises=[0.01]).summary()
    assert summary.scores["psnr"] == pytest.approx(anchor, abs=0.02)


def test_the_blurred_levin_images_score_as_published(data_dir: Path) -> None:
    alone = replace(protocol("levin-blind"), extra=None)  # error ratios would need every picture to be restored
    rows = run(alone, ["blurred"]).rows
    assert np.mean([row.scores["psnr"] for row in rows]) == pytest.approx(23.25, abs=0.02)
    assert np.mean([row.scores["ssim"] for row in rows]) == pytest.approx(0.699, abs=0.0005)
    kernels = [[row.scores["psnr"] for row in rows if row.psf == f"kernel{k}"] for k in range(1, 9)]
    expected = [24.11, 22.89, 26.48, 19.96, 27.05, 23.79, 21.23, 20.46]
    np.testing.assert_allclose(np.mean(kernels, axis=1), expected, rtol=0, atol=0.02)


def test_levin_synthetic_ignores_the_outer_thirty_pixels(data_dir: Path) -> None:
    synthetic = protocol("levin-synthetic")
    sample = synthetic.observe(*synthetic.pairs()[0], 0.01)
    spoiled = sample.blurred.copy()
    spoiled[:30], spoiled[-30:], spoiled[:, :30], spoiled[:, -30:] = 0, 1, 0, 1
    expected = synthetic.score(Estimate(sample.blurred), sample)
    assert synthetic.score(Estimate(spoiled), sample) == expected
    spoiled[30, 30] = 1 - spoiled[30, 30]
    assert synthetic.score(Estimate(spoiled), sample) != expected


def test_bars_anchor(data_dir: Path) -> None:
    (summary,) = run("bars3d", ["blurred"]).summary()
    assert summary.scores["relative_error"] == pytest.approx(0.916, abs=0.001)


def test_a_true_psf_is_a_success_and_similar_to_itself(data_dir: Path) -> None:
    blind = protocol("levin-blind")
    sample = blind.observe("im2", "kernel6", 0.0)
    estimate = with_true_psf(sample)
    scores = blind.score(Estimate(estimate[0], sample.psf), sample)
    assert 0 <= scores["fourier_gap"] < 1
    assert scores["error_ratio"] == pytest.approx(1, abs=0.5)
    assert scores["psnr"] > 35
    assert scores["psf_similarity"] == pytest.approx(1)


def test_lai_is_scored_in_luminance_at_whole_shifts(data_dir: Path) -> None:
    lai = protocol("lai-blind")
    sample = lai.observe(*lai.pairs()[0], 0.0)
    moved = np.roll(sample.truth, (10, -7), axis=(0, 1))  # whose wrapped border is beyond the pixels that are compared
    estimate, compared = lai.compared(moved, sample)
    np.testing.assert_allclose(estimate, compared, atol=1e-12)
    assert compared.shape == tuple(size - 2 * 25 for size in sample.truth.shape[:2])
    black, white = (lai.compared(np.full_like(moved, value), sample)[0] for value in (0.0, 1.0))
    np.testing.assert_allclose([black.max(), white.min()], [16 / 255, 235 / 255])
    assert lai.compared(moved[..., ::-1], sample)[0].std() != estimate.std()  # red and blue do not weigh the same


def test_lai_compares_with_the_blurred_picture_and_the_known_psf(data_dir: Path) -> None:
    lai = protocol("lai-blind")
    sample = lai.observe("text_03", "kernel75", 0.0)
    known = with_true_psf(sample)[0]
    scores = lai.score(Estimate(known, sample.psf, 0.9), sample)
    unchanged = lai.score(Estimate(sample.blurred), sample)
    assert scores["psnr_known"] == unchanged["psnr_known"] >= scores["psnr"]
    assert scores["gain"] == pytest.approx(scores["psnr"] - unchanged["psnr"])
    assert scores["gain"] > 7
    assert unchanged["gain"] == 0
    assert scores["error_ratio"] == pytest.approx(1, abs=0.5)
    assert scores["psf_similarity"] == pytest.approx(1)
    assert scores["confidence"] == 0.9
    assert not {"psf_similarity", "confidence"} & set(unchanged)


def test_large_shakes_are_thick_and_on_large_pictures(data_dir: Path) -> None:
    large = protocol("shakes-large-blind")
    sample = large.observe("mosaic0", "shake35-0", 0.005)
    assert sample.blurred.shape == (700, 1000)
    thin = protocol("shakes-blind").observe("101085", "shake35-0", 0.0).psf
    assert (sample.psf > 0).sum() > 1.5 * (thin > 0).sum()
    assert sample.psf.max() < thin.max()


@pytest.mark.parametrize("name", ["lai-blind", "shakes-blind", "shakes-large-blind"])
def test_every_size_has_a_group(name: str, data_dir: Path) -> None:
    group = protocol(name).group
    assert group is not None
    known = {
        "lai-blind": {"31 px": 10, "51 px": 10, "55 px": 10, "75 px": 10},
        "shakes-blind": {"13 to 25 px": 12, "29 to 45 px": 13, "55 to 65 px": 8, "75 px": 4},
        "shakes-large-blind": {"29 to 45 px": 12, "55 to 65 px": 8, "75 px": 4},
    }
    assert Counter(group(psf) for _, psf in protocol(name).pairs()) == known[name]


def test_every_image_meets_every_psf_and_the_first_round_has_each_image_once() -> None:
    pairs = crossed(["a", "b", "c"], ["1", "2"])
    assert sorted(pairs) == [(i, k) for i in "abc" for k in "12"]
    assert [image for image, _ in pairs[:3]] == ["a", "b", "c"]


@pytest.mark.parametrize("size", [(5, 3), (4, 6), (1, 1), (2, 5)])
def test_borders_agree_in_the_middle_and_the_center_is_half_the_size(size: tuple[int, int]) -> None:
    scene = np.random.default_rng(0).random((30, 32))
    delta = np.zeros(size)
    delta[size[0] // 2, size[1] // 2] = 1
    for border in ("valid", "circular", "zero"):
        sample = simulate(scene, delta, 0.0, seed="x", border=border)
        np.testing.assert_allclose(sample.blurred, sample.truth, atol=1e-6)
    kernel = np.random.default_rng(1).random(size)
    valid, circular, zero = (simulate(scene, kernel, 0.0, seed="x", border=b) for b in ("valid", "circular", "zero"))
    top, left = ((k - 1) // 2 for k in size)
    inside = slice(top, top + valid.blurred.shape[0]), slice(left, left + valid.blurred.shape[1])
    np.testing.assert_allclose(circular.blurred[inside], valid.blurred, atol=1e-6)
    np.testing.assert_allclose(zero.blurred[inside], valid.blurred, atol=1e-6)


def test_noise_has_its_level_and_scales() -> None:
    scene = np.full((128, 128), 0.5)
    one, three = (simulate(scene, np.ones((1, 1)), noise, seed="x").blurred - 0.5 for noise in (0.01, 0.03))
    assert one.std() == pytest.approx(0.01, rel=0.02)
    np.testing.assert_allclose(three, 3 * one, atol=1e-6)
    other = simulate(scene, np.ones((1, 1)), 0.01, seed="y").blurred - 0.5
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.05


def test_own_files(own: Protocol) -> None:
    results = run(own, ["blurred", "wiener"], noises=[0.0])
    assert not results.failures
    assert len(results.rows) == 8
    assert {row.image for row in results.rows} == {"a.png", "b.png"}
    by_method = {summary.method: summary.scores["psnr"] for summary in results.summary()}
    assert by_method["wiener"] > by_method["blurred"]


def test_own_files_that_will_not_do(tmp_path: Path, own: Protocol) -> None:
    with pytest.raises(ValueError, match=r"images must be a folder, got .*none, which does not exist"):
        folder_protocol(tmp_path / "none", tmp_path / "psfs")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"images must have files ending in .png, .* without one"):
        folder_protocol(tmp_path / "empty", tmp_path / "psfs")
    with pytest.raises(ValueError, match="border must be 'valid', 'circular' or 'zero', got 'mirror'"):
        folder_protocol(tmp_path, tmp_path / "psfs", border="mirror")
    np.save(tmp_path / "psfs" / "nan.npy", np.array([[0.5, np.nan]]))
    with pytest.raises(ValueError, match=r"nan\.npy"):
        folder_protocol(tmp_path, tmp_path / "psfs")


def test_a_changed_file_is_another_source(tmp_path: Path, own: Protocol) -> None:
    psf.save(tmp_path / "psfs" / "odd.npy", psf.gaussian(2.0), overwrite=True)
    assert folder_protocol(tmp_path, tmp_path / "psfs").source != own.source


def test_a_psf_larger_than_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match=r"psf must not be larger than its image, \(8, 9\), got \(3, 11\)"):
        simulate(np.ones((8, 9)), np.ones((3, 11)), 0.0, seed="x")


def test_estimates_that_will_not_do(own: Protocol) -> None:
    sample = own.observe("a.png", "odd.npy", 0.01)
    with pytest.raises(ValueError, match="NaN or infinite"):
        own.score(Estimate(np.full_like(sample.blurred, np.nan)), sample)
    with pytest.raises(ValueError, match="a method must keep the shape"):
        own.score(Estimate(sample.blurred[1:]), sample)


def test_an_unknown_protocol_suggests_one() -> None:
    with pytest.raises(ValueError, match="got 'levin-blnd'; did you mean 'levin-blind'"):
        protocol("levin-blnd")
    with pytest.raises(ValueError, match="there are levin-blind, "):
        protocol("xyz")
