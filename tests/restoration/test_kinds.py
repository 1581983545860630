"""Photograph or counts: by what a file says of itself, the same for every front end, and as the user says."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from skimage import data

import deblur
from deblur import photo, psf
from deblur.operators import Convolution
from deblur.photo import Photo
from deblur.photo._profile import linear_srgb
from deblur.restoration._kinds import kind_of_photo

BLUR = psf.gaussian(1.5)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    ("shape", "facts", "kind", "reason"),
    [
        ((8, 9), {"dtype": "uint8"}, "photo", "a picture file"),
        ((8, 9, 3), {"dtype": "uint8"}, "photo", "a picture file"),
        ((8, 9, 3), {"dtype": "uint16"}, "photo", "a picture file"),
        ((8, 9), {"dtype": "uint16", "icc": PROFILE}, "photo", "a picture file"),
        ((8, 9), {"dtype": "uint16"}, "counts", "16-bit gray without a profile or camera data"),
        ((8, 9), {"dtype": "float32"}, "counts", "gray floating-point samples"),
        ((8, 9, 3), {"dtype": "float32"}, "photo", "a picture file"),
        ((8, 9), {"dtype": "int16"}, "counts", "int16 samples"),
        ((8, 9), {"dtype": "uint8", "measured": True}, "counts", "written by an instrument's software"),
        ((2, 8, 9), {"dtype": "uint8"}, "counts", "more than one page"),
        ((8, 9, 5), {"dtype": "uint8"}, "counts", "5 channels"),
    ],
)
def test_the_evidence(shape, facts, kind, reason) -> None:
    axis = -1 if len(shape) == 3 and shape[0] == 8 else None
    picture = Photo(np.zeros(shape), axis, **{**facts, "dtype": np.dtype(facts["dtype"])})
    assert kind_of_photo(picture) == (kind, reason)
    assert kind_of_photo(picture, "photo") == ("photo", "as given")
    assert kind_of_photo(picture, "counts") == ("counts", "as given")
    with pytest.raises(ValueError, match="kind must be photo or counts, got 'movie'"):
        kind_of_photo(picture, "movie")


@pytest.fixture(scope="module")
def stars() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thirteen stars on a sky of 500 counts: positions, fluxes, and the exposure."""
    rng = np.random.default_rng(1)
    at, flux = rng.integers(16, 144, (13, 2)), rng.uniform(3e4, 2e5, 13)
    scene = np.zeros((160, 160))
    np.add.at(scene, tuple(at.T), flux)
    counts = rng.poisson(Convolution(BLUR, scene.shape, "zero")(scene).clip(0) + 500)
    return at, flux, counts.clip(0, 65535).astype(np.uint16)


def fluxes(image: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Sum of each star above the sky."""
    sky = np.median(image)
    return np.array([(image[r - 6 : r + 7, c - 6 : c + 7] - sky).sum() for r, c in at])


def test_one_plane_of_counts_is_one_through_every_front_end(stars, tmp_path) -> None:
    at, flux, counts = stars
    source = tmp_path / "stars.ome.tif"
    sizes = {"PhysicalSizeX": 0.108, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.108, "PhysicalSizeYUnit": "µm"}
    tifffile.imwrite(source, counts, metadata={"axes": "YX", **sizes})
    made = deblur.restore_photo(source, BLUR)
    assert made.details["kind"] == "counts"
    assert made.method == "richardson-lucy"
    assert not made.details["linear"]
    images = {"photo": 65535 * made.image}
    for memory in (None, "4G"):
        target = tmp_path / f"out-{memory}.ome.tif"
        deblur.restore_stack(source, BLUR, target, memory=memory, float32=True)
        images[f"memory {memory}"] = tifffile.imread(target)
    for name, image in images.items():
        ratios = fluxes(image, at) / flux
        assert ratios.min() > 0.94, name
        assert ratios.max() < 1.22, name
        np.testing.assert_allclose(image, images["photo"], atol=2, err_msg=name)


def test_a_background_is_no_star(stars) -> None:
    at, flux, counts = stars
    image = Photo(counts / 65535, dtype=np.dtype(np.uint16))
    for background in (500, "auto"):
        made = deblur.restore_photo(image, BLUR, background=background)
        assert made.details["background"] == pytest.approx(500, rel=0.01)
        np.testing.assert_allclose(fluxes(65535 * made.image, at), flux, rtol=0.08)
    for wrong, message in ((-5, "not negative, got -5"), ("sky", "got 'sky'"), (1e9, "above the brightest sample")):
        with pytest.raises(ValueError, match=message):
            deblur.restore_photo(image, BLUR, background=wrong)
    with pytest.raises(TypeError, match="unrolled has no option 'background'"):
        deblur.restore_photo(image, BLUR, method="unrolled", background=500)


def test_what_the_user_says_is_what_it_is(stars, tmp_path) -> None:
    _, _, counts = stars
    path = tmp_path / "scan.png"
    photo.write(path, Photo(counts[:64, :64] / 65535, dtype=np.dtype(np.uint16)))
    assert deblur.restore_photo(path, BLUR, method="wiener").details["kind"] == "counts"
    made = deblur.restore_photo(path, BLUR, method="wiener", kind="photo")
    assert made.details["linear"]
    assert made.details["kind_reason"] == "as given"


def test_samples_in_linear_light_are_not_decoded_again() -> None:
    pixels = np.random.default_rng(0).random((64, 64, 3))
    raw = Photo(pixels, -1, dtype=np.dtype(np.uint16), linear=True)
    made = deblur.restore_photo(raw, BLUR, method="wiener")
    assert not made.details["linear"]
    options = {"method": "wiener", "channel_axis": -1, "saturation": made.details["saturation"]}
    np.testing.assert_allclose(made.image, deblur.restore(pixels, BLUR, **options).image, atol=1e-6)


def test_the_name_of_a_program_is_no_camera(stars, tmp_path) -> None:
    """tifffile writes itself into a Software tag."""
    _, _, counts = stars
    tifffile.imwrite(tmp_path / "stars.tif", counts[:64, :64])
    assert kind_of_photo(photo.read(tmp_path / "stars.tif"))[0] == "counts"


def test_a_background_of_a_photograph_is_refused_with_the_reason() -> None:
    picture = Photo(np.random.default_rng(0).random((64, 64, 3)), -1)
    with pytest.raises(ValueError, match=r"background is for counts, and this is a photograph \(a picture file\)"):
        deblur.restore_photo(picture, BLUR, background=100)
    with pytest.raises(ValueError, match="gain and read_noise are for counts"):
        deblur.restore_photo(picture, BLUR, gain=2)


def test_color_without_a_channel_axis_is_no_batch() -> None:
    with pytest.raises(ValueError, match=r"looks like color: give channel_axis=-1"):
        deblur.restore(np.random.default_rng(0).random((40, 50, 3)), BLUR)


@pytest.mark.parametrize("profile", ["sRGB", "linear"])
def test_a_picture_is_one_in_windows_too(tmp_path, profile) -> None:
    """What a file says is heard by both readers: the curve of its profile, and the blocks of a JPEG in its pixels."""
    sharp = data.astronaut()[:96, 120:216]
    buffer = io.BytesIO()
    Image.fromarray(sharp).save(buffer, "JPEG", quality=60)
    pixels = np.asarray(Image.open(buffer))
    icc = PROFILE if profile == "sRGB" else linear_srgb()
    photo.write(tmp_path / "scan.tif", Photo(pixels / np.float32(255), -1, icc=icc))
    made = deblur.restore_photo(tmp_path / "scan.tif", BLUR, method="wiener", saturation=None)
    options = {"method": "wiener", "saturation": None, "memory": "4G"}
    windows = deblur.restore_stack(tmp_path / "scan.tif", BLUR, tmp_path / "out.tif", **options)
    for result in (made, windows):
        assert result.details["linear"] == (profile == "sRGB")
        assert result.details["noise_source"] == "estimated, and block grid"
    np.testing.assert_allclose(photo.read(tmp_path / "out.tif").pixels, made.image.clip(0, 1), atol=0.51 / 255)


def test_a_picture_in_windows_has_no_gain_and_no_background(tmp_path) -> None:
    photo.write(tmp_path / "scan.tif", Photo(np.random.default_rng(0).random((64, 64, 3)), -1))
    for options in ({"gain": 2}, {"background": 5}):
        with pytest.raises(ValueError, match="for counts, and this is a photograph"):
            deblur.restore_stack(tmp_path / "scan.tif", BLUR, tmp_path / "out.tif", **options)
