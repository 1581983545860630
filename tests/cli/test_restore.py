"""`deblur restore` on good input."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

import deblur
from deblur import photo, psf
from deblur.cli._settings import Settings
from deblur.photo import Photo

from .conftest import BLUR, Run

BORDER = (slice(8, -8), slice(8, -8))


def psnr(truth: np.ndarray, pixels: np.ndarray) -> float:
    return peak_signal_noise_ratio(truth[BORDER], pixels[BORDER], data_range=1)


def files_in(folder: Path) -> set[str]:
    return {os.fspath(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_restored_file_is_better_than_the_blurred_one(
    run: Run, tmp_path: Path, sharp: np.ndarray, blurred: np.ndarray
) -> None:
    names = ["deep.png", "shallow.png", "page.tif", "web.webp"]
    for name, dtype in zip(names, ("uint16", "uint8", "uint16", "uint8"), strict=True):
        photo.write(tmp_path / name, Photo(blurred, -1, dtype=np.dtype(dtype)))
    done = run("restore", *names, "--psf", BLUR)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == len(names)
    for name in names:
        source = tmp_path / name
        before, after = photo.read(source), photo.read(source.with_stem(f"{source.stem}-restored"))
        assert (after.dtype, after.pixels.shape) == (before.dtype, before.pixels.shape)
        assert psnr(sharp, after.pixels) > psnr(sharp, before.pixels) + 2


@pytest.mark.parametrize(
    ("arguments", "method", "options"),
    [
        ([], "auto", {}),
        (["--noise-level", "0.02"], "auto", {"noise_level": 0.02}),
        (["--method", "richardson-lucy", "--iterations", "7"], "richardson-lucy", {"num_iter": 7}),
        (["--method", "unsupervised-wiener", "--iterations", "31"], "unsupervised-wiener", {"max_iter": 31}),
    ],
)
def test_it_does_what_the_library_does(
    run: Run, tmp_path: Path, blurred: np.ndarray, arguments: list[str], method: str, options: dict[str, float]
) -> None:
    float32 = np.dtype(np.float32)
    stack = np.stack([blurred[..., 0], 0.5 * blurred[..., 1], 2 * blurred[..., 2]])
    pictures = {
        "gray.tif": Photo(blurred[..., 0], dtype=float32),
        "color.tif": Photo(blurred, -1, dtype=float32),
        "stack.tif": Photo(stack, dtype=float32),
    }
    for name, picture in pictures.items():
        photo.write(tmp_path / name, picture)
    done = run("restore", *pictures, "--psf", BLUR, *arguments, "--json", "-o", "out")

    for result, (name, picture) in zip(json.loads(done.stdout), pictures.items(), strict=True):
        pages = picture.pixels if name == "stack.tif" else picture.pixels[np.newaxis]
        is_photo = name == "color.tif"
        assert result["kind"] == ("photo" if is_photo else "counts")  # whose default methods differ
        expected = method if method != "auto" else "unrolled" if is_photo else "richardson-lucy"
        made = [
            deblur.restore(page, psf.parse(BLUR), method=expected, channel_axis=picture.channel_axis, **options)
            for page in pages
        ]
        after = photo.read(tmp_path / result["output"]).pixels
        np.testing.assert_allclose(after.reshape(pages.shape), [each.image for each in made], atol=1e-5)
        assert result["input"] == name
        assert result["method"] == made[0].method
        assert result["psf_shape"] == [7, 9]
        assert result["linear"] is False
        if made[0].noise_level is not None:
            assert result["noise_level"] == pytest.approx(np.mean([each.noise_level for each in made]), rel=1e-4)


def test_a_psf_of_three_axes_restores_a_stack_as_a_volume(run: Run, tmp_path: Path, rng: np.random.Generator) -> None:
    volume = rng.random((9, 24, 20), dtype=np.float32)
    photo.write(tmp_path / "stack.tif", Photo(volume, dtype=np.dtype(np.float32)))
    run("restore", "stack.tif", "--psf", "gaussian:sigma=1x1x0.5", "-o", "out.tif")
    expected = deblur.restore(volume, psf.gaussian((1, 1, 0.5)), psf_per_image=False).image
    np.testing.assert_allclose(photo.read(tmp_path / "out.tif").pixels, expected, atol=1e-5)


def test_linear_light(run: Run, tmp_path: Path, blurred: np.ndarray) -> None:
    photo.write(tmp_path / "a.png", Photo(blurred, -1, dtype=np.dtype(np.uint16)))
    photo.write(tmp_path / "stack.tif", Photo(np.stack([blurred] * 2), -1, dtype=np.dtype(np.uint16)))
    photo.write(tmp_path / "float.tif", Photo(blurred, -1, dtype=np.dtype(np.float32)))
    written = photo.read(tmp_path / "a.png").pixels

    def restored(pixels: np.ndarray) -> np.ndarray:
        return deblur.restore(pixels, psf.parse(BLUR), noise_level=0.01, channel_axis=-1).image

    options = ("--psf", BLUR, "--noise-level", "0.01", "--json", "-o")
    linear = json.loads(run("restore", "a.png", "float.tif", *options, "yes", "--linear").stdout)
    encoded = json.loads(run("restore", "a.png", *options, "no.png", "--no-linear").stdout)
    default = json.loads(run("restore", "a.png", "stack.tif", "float.tif", *options, "default").stdout)
    assert [result["linear"] for result in linear + encoded + default] == [True, True, False, True, False, False]
    in_light = photo.from_linear(restored(photo.to_linear(written)))
    for output, expected in [("yes/a-restored.png", in_light), ("no.png", restored(written))]:
        np.testing.assert_allclose(photo.read(tmp_path / output).pixels, expected.clip(0, 1), atol=1e-4)


def test_metadata_are_kept(run: Run, tmp_path: Path, blurred: np.ndarray, rng: np.random.Generator) -> None:
    exif = Image.Exif()
    exif[0x0110], exif[0x0112] = "Lens camera", 6  # model; turned by 90 degrees
    icc = b"not a real profile, but kept as it is"
    Image.fromarray(np.rint(255 * blurred).astype(np.uint8)).save(
        tmp_path / "a.jpg", exif=exif, dpi=(300, 300), quality=95
    )
    alpha = rng.random(blurred.shape[:2], dtype=np.float32)
    see_through = Photo(blurred, -1, alpha=alpha, dtype=np.dtype(np.uint16), icc=icc, resolution=(200.0, 100.0))
    photo.write(tmp_path / "b.png", see_through)
    run("restore", "a.jpg", "b.png", "--psf", BLUR)

    with Image.open(tmp_path / "a-restored.jpg") as image:
        assert image.size == (120, 100)
        assert image.getexif()[0x0110] == "Lens camera"
        assert image.getexif().get(0x0112, 1) == 1
        assert image.info["dpi"] == (300, 300)
    before, after = photo.read(tmp_path / "b.png"), photo.read(tmp_path / "b-restored.png")
    assert before.alpha is not None
    np.testing.assert_array_equal(after.alpha, before.alpha)
    assert (after.icc, after.dtype, after.resolution) == (icc, before.dtype, before.resolution)


def test_a_folder_means_the_pictures_in_it_but_not_their_results(run: Run, tmp_path: Path, blurred: np.ndarray) -> None:
    folder = tmp_path / "shots"
    folder.mkdir()
    for name in ("one.png", "TWO.PNG", ".hidden.png"):
        photo.write(folder / name, Photo(blurred[..., 0]))
    (folder / "notes.txt").write_text("not a picture")
    (folder / "inner.png").mkdir()
    expected = files_in(folder) | {"one-restored.png", "TWO-restored.PNG"}
    run("restore", "shots", "--psf", BLUR)
    assert files_in(folder) == expected
    run("restore", "shots", "--psf", BLUR, "--force")
    assert files_in(folder) == expected
    run("restore", "shots", "shots/.hidden.png", "--psf", BLUR, "-o", "deep/out")
    assert files_in(tmp_path / "deep/out") == {"one-restored.png", "TWO-restored.PNG", ".hidden-restored.png"}


def test_where_the_result_goes(run: Run, tmp_path: Path, blurred: np.ndarray) -> None:
    photo.write(tmp_path / "a.png", Photo(blurred[..., 0], dtype=np.dtype(np.uint16)))
    (tmp_path / "there").mkdir()
    run("restore", "a.png", "--psf", BLUR, "-o", "new/")
    run("restore", "a.png", "--psf", BLUR, "-o", "there")
    (tmp_path / "there/b.tif").write_bytes(b"old, and replaced")
    run("restore", "a.png", "--psf", BLUR, "-o", "there/b.tif", "--force")
    assert files_in(tmp_path) == {"a.png", "new/a-restored.png", "there/a-restored.png", "there/b.tif"}
    assert photo.read(tmp_path / "there/b.tif").dtype == np.uint16


def test_after_a_bad_file_the_others_are_restored(run: Run, tmp_path: Path, blurred: np.ndarray) -> None:
    good = Photo(blurred[..., 0])
    photo.write(tmp_path / "a.png", good)
    (tmp_path / "text.png").write_text("not a picture")
    photo.write(tmp_path / "z.png", good)
    (tmp_path / "empty.png").touch()
    done = run("restore", "a.png", "empty.png", "no.png", "text.png", "z.png", "--psf", BLUR, "--json", code=1)
    results = json.loads(done.stdout)
    assert ["error" in result for result in results] == [False, True, True, True, False]
    assert files_in(tmp_path) == {
        "a.png", "a-restored.png", "empty.png", "text.png", "z.png", "z-restored.png"
    }  # fmt: skip
    *complaints, tally = [line for line in done.stderr.splitlines() if line.startswith("deblur: ")]
    assert complaints == [f"deblur: {result['error']}" for result in results if "error" in result]
    assert tally == "deblur: 2 restored, 3 failed"
    for name, line in zip(("empty.png", "no.png", "text.png"), complaints, strict=True):
        assert name in line


def test_a_measured_psf_of_any_sum_keeps_the_brightness(run: Run, tmp_path: Path) -> None:
    photo.write(tmp_path / "flat.tif", Photo(np.full((30, 30), 0.5, np.float32), dtype=np.dtype(np.float32)))
    np.save(tmp_path / "bead.npy", 40.0 * psf.gaussian(1.0))
    done = run("restore", "flat.tif", "--psf", "bead.npy", "-o", "out.tif", own_process=True)
    assert "PSF scaled from sum 40 to 1" in done.stdout
    np.testing.assert_allclose(photo.read(tmp_path / "out.tif").pixels, 0.5, atol=1e-4)


def test_names_that_are_not_text(run: Run, tmp_path: Path, blurred: np.ndarray) -> None:
    name = os.fsdecode(b"caf\xe9\n.png")
    try:
        photo.write(tmp_path / name, Photo(blurred[..., 0]))
    except OSError:
        pytest.skip("this file system has no such names")
    done = run("restore", name, "--psf", BLUR, "--json")
    assert json.loads(done.stdout)[0]["input"] == name
    done = run("restore", name.replace("caf", "tea"), "--psf", BLUR, code=2)
    assert len(done.stderr.splitlines()) == 1


def test_every_method_is_an_option(run: Run) -> None:
    text = "".join(run("restore", "--help").stdout.split())  # lines end at hyphens too
    for name in deblur.methods():
        assert name in text
    arguments = ["restore", "x.png", "--psf", BLUR, "--iterations", "9"]
    assert "--iterations needs --method " in run(*arguments, "--method", "wiener", code=2).stderr
    fewest = run(*arguments, "--method", "unsupervised-wiener", code=2).stderr
    assert "--iterations must be at least 30 for unsupervised-wiener, got 9" in fewest


def test_options_reach_the_method_without_a_psf_too() -> None:
    iterations = Settings.parse("richardson-lucy", "auto", 3, None, "9")
    iterations.check_psf(given=False)
    assert iterations.options().items() >= {"num_iter": 3, "psf_shape": (9, 9)}.items()
    with pytest.raises(ValueError, match="--method defocus finds the size of the PSF itself; leave --psf-size out"):
        Settings.parse("defocus", "auto", None, None, "9").check_psf(given=False)
    with pytest.raises(ValueError, match="blind-richardson-lucy takes no noise level; leave --noise-level out"):
        Settings.parse("blind-richardson-lucy", "0.1", None, None, "9").check_psf(given=False)


def test_real_photographs(run: Run, tmp_path: Path, data_dir: Path) -> None:
    pictures = sorted(path for path in (data_dir / "real_blurred").iterdir() if path.suffix in (".jpg", ".png"))
    sources = sorted(sorted(pictures, key=lambda path: path.stat().st_size)[:6] + pictures[1:3])
    (tmp_path / "real").mkdir()
    for path in sources:
        shutil.copy(path, tmp_path / "real")
    blur = ("--psf", "disk:radius=2", "--method", "wiener")
    done = run("restore", "real", *blur, "-o", "out", "--json")
    results = json.loads(done.stdout)
    assert [Path(result["input"]).name for result in results] == [path.name for path in sources]
    for source, result in zip(sources, results, strict=True):
        before, after = photo.read(source), photo.read(tmp_path / result["output"])
        assert (after.pixels.shape, after.dtype) == (before.pixels.shape, before.dtype)
        assert np.abs(after.pixels - before.pixels).mean() > 1e-3
