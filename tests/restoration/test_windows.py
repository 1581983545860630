"""Restoration in windows: no seam shows, calibration holds for all, and memory bounds the windows."""

import numpy as np
import pytest
from scipy.signal import fftconvolve
from skimage import data

import deblur
from deblur import psf
from deblur._core.memory import parse_bytes, resident_bytes
from deblur._core.tiling import tiles
from deblur.nonblind import richardson_lucy, wiener, wiener_balance
from deblur.restoration._cost import largest_window, window_bytes
from deblur.restoration._registry import ROWS, find_method

SCENE = data.camera() / 255.0
BLUR = psf.disk(3).astype(np.float32)  # the sum is 1 to rounding
NOISE = 0.01


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    y = fftconvolve(SCENE[:230, :240], BLUR, mode="valid")
    return (y + NOISE * np.random.default_rng(0).standard_normal(y.shape)).clip(0, 1).astype(np.float32)


def in_windows(y, blur=BLUR, **options):
    out = np.empty_like(y)
    return out, deblur.restore_large(y, blur, out, **{"noise_level": NOISE, **options})


def test_one_window_is_restore(picture):
    for method in ("wiener", "richardson-lucy", "auto"):
        out, done = in_windows(picture, method=method, noise_level=None)
        assert done.details["windows"] == 1
        assert done.image is out
        whole = deblur.restore(picture, BLUR, method=method).image
        np.testing.assert_array_equal(out, whole)


@pytest.mark.parametrize(("options", "window"), [({}, (130, 140)), ({"num_iter": 50, "noise_level": 0}, (180, 234))])
def test_no_seam_of_richardson_lucy_shows(picture, options, window):
    out, done = in_windows(picture, method="richardson-lucy", window=window, **options)
    assert done.details["windows"] >= 2
    count = done.details["options"]["num_iter"]
    assert done.details["halo"] == [int(np.ceil(7 * count**0.5))] * 2  # PSF widths times the square root
    steady = {"accelerate": "steady", "noise_level": 0, "tolerance": 0}
    whole = richardson_lucy(picture, BLUR, num_iter=count, **steady)
    inside = (slice(14, -14), slice(14, -14))
    assert np.abs(out - whole)[inside].max() < 1e-3


def test_windows_of_wiener_are_exactly_those_of_wiener(picture):
    out, done = in_windows(picture, method="wiener", window=(130, 140), balance=0.01)
    for tile in tiles(picture.shape, done.details["window"], done.details["halo"]):
        np.testing.assert_array_equal(out[tile.kept], wiener(picture[tile.window], BLUR, balance=0.01)[tile.inner])


def test_the_balance_of_wiener_is_chosen_once(picture):
    window = (130, 140)
    chosen, done = in_windows(picture, method="wiener", window=window)
    assert done.details["windows"] >= 4
    balance = wiener_balance(picture, BLUR, noise_level=NOISE)
    np.testing.assert_array_equal(in_windows(picture, method="wiener", window=window, balance=balance)[0], chosen)


@pytest.mark.parametrize("method", [row.name for row in ROWS if not row.blind and row.name not in ("fused", "adm")])
def test_every_method_in_windows_is_nearly_what_it_is_on_the_whole(picture, method):
    y = picture[:120, :130]
    level = {} if method == "unsupervised-wiener" else {"noise_level": NOISE}
    options = {"max_iter": 60} if method == "unsupervised-wiener" else {}
    out = np.empty_like(y)
    done = deblur.restore_large(y, BLUR, out, method=method, window=(80, 130), **level, **options)
    assert done.details["windows"] > 1
    whole = deblur.restore(y, BLUR, method=method, **level, **options).image
    truth = SCENE[3:123, 3:133]
    error, error_whole = (np.sqrt(np.mean((x - truth)[10:-10, 10:-10] ** 2)) for x in (out, whole))
    assert error < 1.1 * error_whole + 1e-3


def test_volumes_channels_and_integers(rng):
    blur = psf.gaussian((1, 1, 1)).astype(np.float32)
    y = (rng.random((30, 40, 41)) * 60000).astype(np.uint16)
    out = np.zeros_like(y)
    done = deblur.restore_large(y, blur, out, method="richardson-lucy", num_iter=3, window=(30, 34, 34), halo=7)
    assert done.details["windows"] == 4
    whole = deblur.restore((y / 65535).astype(np.float32), blur, method="richardson-lucy", num_iter=3).image
    assert np.abs(out[5:-5, 5:-5, 5:-5] / 65535 - whole.clip(0, 1)[5:-5, 5:-5, 5:-5]).mean() < 0.01

    color = rng.random((70, 80, 3)).astype(np.float32)
    out = np.empty_like(color)
    done = deblur.restore_large(color, BLUR, out, method="wiener", window=(60, 80), channel_axis=-1)
    assert done.details["windows"] == 2
    assert np.isfinite(out).all()


def test_progress_and_one_noise_level_for_all(picture):
    fractions = []
    options = {"method": "wiener", "window": (130, 140), "noise_level": None}
    _, done = in_windows(picture, progress=lambda fraction, stage: fractions.append(fraction), **options)
    count = done.details["windows"]
    assert fractions == sorted(fractions)
    assert {(i + 1) / count for i in range(count)} <= set(fractions)
    assert 0.5 * NOISE < done.noise_level < 2 * NOISE


def test_the_estimated_noise_level_is_reported_and_not_the_one_that_stops_no_window(picture):
    _, done = in_windows(picture, method="richardson-lucy", window=(150, 160), noise_level=None)
    assert done.details["windows"] > 1
    assert done.details["options"]["noise_level"] == 0
    assert 0.5 * NOISE < done.noise_level < 2 * NOISE


def test_memory_bounds_the_window():
    wiener, counts = find_method("wiener"), find_method("richardson-lucy")
    shape, kernel, halo = (20000, 20000), (31, 31), (62, 62)
    sizes = [largest_window(shape, kernel, halo, wiener, parse_bytes(text)) for text in ("500M", "1G", "2G")]
    for window, text in zip(sizes, ("500M", "1G", "2G"), strict=True):
        assert 0.95 * parse_bytes(text) < window_bytes(wiener, window, kernel) <= parse_bytes(text)
    plain = window_bytes(wiener, (500, 500), kernel)
    assert window_bytes(wiener, (500, 500), kernel, saturated=True) == plain + 2 * 10**6
    thin = largest_window((40, 5000, 5000), (9, 15, 15), (18, 30, 30), counts, 2**30)
    assert thin[0] == 40
    with pytest.raises(ValueError, match="memory is too small: with this PSF wiener needs"):
        largest_window(shape, kernel, halo, wiener, 10**6)


def test_a_long_halo_gives_way_to_memory(picture):
    whole = window_bytes(find_method("richardson-lucy"), picture.shape, BLUR.shape)
    options = {"num_iter": 100, "noise_level": 0, "method": "richardson-lucy"}
    _, done = in_windows(picture, memory=resident_bytes() + int(0.6 * whole), **options)
    assert done.details["windows"] > 1
    assert 14 <= done.details["halo"][0] < 70


@pytest.mark.parametrize(
    ("text", "expected"), [("4G", 4 * 2**30), ("500M", 500 * 2**20), ("1.5 GiB", 3 * 2**29), ("7", 7)]
)
def test_amounts_of_memory(text, expected):
    assert parse_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "4 apples", "-1G", "0"])
def test_bad_amounts(text):
    with pytest.raises(ValueError, match="memory must be an amount such as 4G"):
        parse_bytes(text)


def test_bad_arguments(picture):
    for options, message in [
        ({"method": "selfdeblur"}, "estimates the PSF itself"),
        ({"channel_axis": 0}, "channel_axis must be None or -1"),
        ({"halo": -1, "window": (150, 160)}, "halo must be pixels, at least 0"),
        ({"memory": "1M"}, "memory is too small"),
        ({"method": "wiener", "window": (100, 100), "halo": 56}, "keeps nothing beyond a halo"),
        (
            {"method": "richardson-lucy", "holdout": 0.1, "window": (150, 160)},
            "holdout needs an image that fits into memory",
        ),
    ]:
        with pytest.raises(ValueError, match=message):
            in_windows(picture, **options)
    with pytest.raises(ValueError, match="the 3 axes of the psf"):
        in_windows(picture, psf.gaussian((1, 1, 1)))
    with pytest.raises(ValueError, match="out must have the shape"):
        deblur.restore_large(picture, BLUR, np.empty((3, 3)))
