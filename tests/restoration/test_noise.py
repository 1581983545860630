"""What is said of the noise: levels, percentages, ISO speeds, tables, detectors, and quantization tables."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image
from skimage import data

import deblur
from deblur import photo, psf
from deblur.nonblind import NoiseModel
from deblur.operators import Convolution
from deblur.photo import Compression, Photo
from deblur.restoration._noise import noise_of_source, of_iso, parse_table

DISK = psf.disk(4)


@pytest.mark.parametrize(
    ("given", "level"), [(None, None), ("auto", None), (0.02, 0.02), ("0.02", 0.02), ("5%", 0.05), ("2.5 %", 0.025)]
)
def test_levels(given, level) -> None:
    assert noise_of_source(given, None, is_fraction=True).level == (None if level is None else pytest.approx(level))


def test_an_iso_speed_is_photons_and_a_read_noise() -> None:
    slow, fast = of_iso(100), of_iso(6400)
    assert fast.shot == pytest.approx(64 * slow.shot)
    assert noise_of_source("iso:6400", None).level == fast
    assert 0.02 < np.sqrt(fast.white**2 + 0.5 * fast.shot) < 0.04  # at a mid gray of half the range
    for wrong in ("iso:", "iso:fast"):
        with pytest.raises(ValueError, match="noise_level must be like iso:800"):
            noise_of_source(wrong, None)
    with pytest.raises(ValueError, match="an ISO speed is 25 to 4000000, got 5"):
        noise_of_source("iso:5", None)


def test_tables(tmp_path) -> None:
    expected = NoiseModel(white=0.002, shot=1e-4)
    assert parse_table({"white": 0.002, "shot": 1e-4}) == expected
    means = np.linspace(0, 1, 9)
    fitted = parse_table({"levels": np.stack([means, np.sqrt(0.002**2 + 1e-4 * means)], 1).tolist()})
    assert (fitted.white, fitted.shot) == (pytest.approx(0.002), pytest.approx(1e-4))
    path = tmp_path / "camera.json"
    path.write_text(json.dumps({"white": 0.002, "shot": 1e-4}))
    assert noise_of_source(str(path), None) == (expected, "table camera.json", "")
    for content in ("[1, 2]", "{", '{"whit": 1}', '{"white": "a"}', '{"levels": [[0, -1]]}', '{"white": -1}'):
        path.write_text(content)
        with pytest.raises(ValueError, match=r"cannot read|noise table|must be"):
            noise_of_source(str(path), None)
    with pytest.raises(OSError, match="No such file"):
        noise_of_source(str(tmp_path / "none.json"), None)


@pytest.mark.parametrize(
    ("level", "message"),
    [
        (5, "at most 0.5, got 5; 5% is 0.05"),
        (1.0, "at most 0.5, got 1; 1% is 0.01"),
        ("1.5", "at most 0.5, got 1.5"),
        ("200%", "at most 0.5, got 2"),
        (0.7, "at most 0.5, got 0.7; 0.01 is usual"),
        ("loud", "must be auto, a number, a percentage, iso:N or a .json file"),
    ],
)
def test_absurd_levels_of_pictures_are_refused(level, message) -> None:
    for image in (Photo(np.full((16, 16), 0.5)), np.full((16, 16), 128, np.uint8)):
        restore = deblur.restore_photo if isinstance(image, Photo) else deblur.restore
        with pytest.raises(ValueError, match=message):
            restore(image, DISK, method="wiener", noise_level=level)


def test_a_truth_value_is_no_level() -> None:
    with pytest.raises(TypeError, match="noise_level must be a number, got True"):
        deblur.restore(np.ones((16, 16)), DISK, noise_level=True)


def test_odd_levels_are_remarked_and_floats_have_their_own_unit() -> None:
    made = deblur.restore_photo(Photo(np.full((16, 16), 0.5)), DISK, method="wiener", noise_level=0.3)
    assert any("0.3 is more than photographs have" in note for note in made.details["notes"])
    counts = np.random.default_rng(0).random((24, 24)) * 1e4
    assert deblur.restore(counts, DISK, method="wiener", noise_level=50).noise_level == 50


def test_a_detector_gives_the_noise_of_its_counts() -> None:
    """A gain of 2 electrons per count and 6 electrons of read noise: sqrt(9 + 1000 / 2) counts at 1000."""
    flat = Photo(np.full((64, 64), 1000 / 65535), dtype=np.dtype(np.uint16))
    made = deblur.restore_photo(flat, psf.gaussian(1), gain=2, read_noise=6)
    assert 65535 * made.noise_level == pytest.approx(np.sqrt(9 + 500), rel=1e-3)
    assert made.details["noise_source"] == "gain of the detector"
    for options, message in (
        ({"gain": 0}, "gain must be positive"),
        ({"read_noise": 3}, "gain must be positive"),
        ({"gain": -1}, "gain must be a number that is not negative"),
        ({"gain": 2, "noise_level": 0.1}, "noise_level goes with neither gain nor read_noise"),
    ):
        with pytest.raises(ValueError, match=message):
            deblur.restore_photo(flat, psf.gaussian(1), **options)


def blurred_picture() -> tuple[np.ndarray, np.ndarray]:
    """A blurred color picture of 8 bits, and the sharp one."""
    sharp = data.astronaut()[20:212, 130:322]
    light = np.moveaxis(photo.to_linear(data.astronaut().astype(np.float32) / 255), -1, 0)
    y = np.moveaxis(Convolution(DISK, light.shape[1:], "reflect")(light), 0, -1)[20:212, 130:322]
    y = y + 0.003 * np.random.default_rng(0).standard_normal(y.shape)
    return np.rint(255 * photo.from_linear(y.clip(0, 1))).astype(np.uint8), sharp / 255


def compressed(pixels: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, **options)
    return buffer.getvalue()


def psnr(image: np.ndarray, truth: np.ndarray) -> float:
    inner = (slice(8, -8), slice(8, -8))
    return float(-10 * np.log10(np.square(image[inner].clip(0, 1) - truth[inner]).mean()))


@pytest.mark.parametrize(("quality", "gained"), [(50, 3.0), (75, 3.8), (95, 5.0)])
def test_a_jpeg_is_restored_as_well_as_with_the_best_level(tmp_path, quality, gained) -> None:
    pixels, truth = blurred_picture()
    path = tmp_path / "photo.jpg"
    path.write_bytes(compressed(pixels, format="JPEG", quality=quality))
    made = deblur.restore_photo(path, DISK)
    found, before = psnr(made.image, truth), psnr(photo.read(path).pixels, truth)
    best = max(psnr(deblur.restore_photo(path, DISK, noise_level=s).image, truth) for s in (0.008, 0.016, 0.032))
    assert found > best - 0.3
    assert found > before + gained
    assert made.details["noise_source"] == "estimated, and quantization tables"
    # Its pixels alone tell as much, as an array and in a file without loss.
    decoded = photo.read(path)
    again = tmp_path / "again.png"
    photo.write(again, Photo(decoded.pixels, -1))
    from_png = deblur.restore_photo(again, DISK)
    assert from_png.details["noise_source"] == "estimated, and block grid"
    assert abs(psnr(from_png.image, truth) - found) < 0.1
    stored = np.rint(255 * decoded.pixels).astype(np.uint8)
    saturation = made.details["saturation"]
    array = deblur.restore(stored, DISK, channel_axis=-1, linear=True, saturation=saturation)
    np.testing.assert_allclose(array.image, from_png.image, atol=1e-4)


@pytest.mark.parametrize(("suffix", "quality"), [(".webp", 50), (".webp", 80), (".avif", 50), (".avif", 75)])
def test_codecs_without_tables_are_judged_by_their_size(tmp_path, suffix, quality) -> None:
    pixels, truth = blurred_picture()
    path = tmp_path / f"photo{suffix}"
    path.write_bytes(compressed(pixels, format=suffix[1:].upper(), quality=quality))
    made = deblur.restore_photo(path, DISK)
    best = max(psnr(deblur.restore_photo(path, DISK, noise_level=s).image, truth) for s in (0.012, 0.024, 0.048))
    assert psnr(made.image, truth) > best - 0.6
    assert psnr(made.image, truth) > psnr(photo.read(path).pixels, truth) + 1
    assert "file" in made.details["noise_source"]


def test_a_jpeg_that_was_saved_again_is_no_better_than_it_was(tmp_path) -> None:
    pixels, truth = blurred_picture()
    first, again = tmp_path / "first.jpg", tmp_path / "again.jpg"
    first.write_bytes(compressed(pixels, format="JPEG", quality=30))
    again.write_bytes(compressed(np.asarray(Image.open(first)), format="JPEG", quality=95))
    made = deblur.restore_photo(again, DISK)
    assert made.details["noise_source"] == "estimated, and block grid"
    assert abs(psnr(made.image, truth) - psnr(deblur.restore_photo(first, DISK).image, truth)) < 0.3


def test_floats_of_8_bits_are_looked_at_too() -> None:
    pixels, _ = blurred_picture()
    stored = np.asarray(Image.open(io.BytesIO(compressed(pixels, format="JPEG", quality=50))))
    options = {"channel_axis": -1, "linear": True, "method": "wiener"}
    expected = deblur.restore(stored, DISK, **options)
    for dtype in (np.float32, np.float64):
        made = deblur.restore((stored / 255).astype(dtype), DISK, **options)
        assert made.details["noise_source"] == "estimated, and block grid"
        np.testing.assert_allclose(made.image, expected.image, atol=0.02)


def test_without_a_trace_of_compression_nothing_changes(tmp_path) -> None:
    pixels, _ = blurred_picture()
    path = tmp_path / "photo.png"
    path.write_bytes(compressed(pixels, format="PNG"))
    made = deblur.restore_photo(path, DISK, method="wiener")
    assert made.details["noise_source"] == "estimated"
    float_made = deblur.restore(
        pixels / np.float32(255),
        DISK,
        method="wiener",
        channel_axis=-1,
        linear=True,
        saturation=made.details["saturation"],
    )
    np.testing.assert_allclose(made.image, float_made.image, atol=2e-5)


def test_a_given_level_is_the_level_of_a_jpeg_too(tmp_path) -> None:
    pixels, _ = blurred_picture()
    path = tmp_path / "photo.jpg"
    path.write_bytes(compressed(pixels, format="JPEG", quality=50))
    made = deblur.restore_photo(path, DISK, method="wiener", noise_level=0.01)
    assert made.noise_level == 0.01
    assert made.details["noise_source"] == "as given"


def test_compression_rises_with_the_steps_and_fewer_color_samples() -> None:
    qualities = [
        NoiseModel(luminance=c.luminance, chrominance=c.chrominance) for c in map(Compression.of_quality, (95, 75, 50))
    ]
    for level in ("light_level", "color_level", "single_level"):
        values = [getattr(each, level) for each in qualities]
        assert values == sorted(values)
    full, half = (NoiseModel(chrominance=40, sampling=s).color_level for s in ("4:4:4", "4:2:0"))
    assert full < half
    assert NoiseModel().light_level == NoiseModel().color_level == NoiseModel().single_level == 0
    for wrong in ({"white": -1}, {"luminance": np.inf}, {"shot": np.nan}, {"sampling": "4:1:1"}):
        with pytest.raises(ValueError, match="must be"):
            NoiseModel(**wrong)
