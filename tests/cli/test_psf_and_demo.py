"""`deblur psf`, `deblur demo`, and the help."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import deblur
from deblur import photo, psf
from deblur.operators import Convolution
from deblur.psf._kinds import kinds

from .conftest import Run, Start


def test_the_examples_in_the_help_work(run: Run, tmp_path: Path) -> None:
    lines = run("psf", "--help").stdout.splitlines()
    make, estimate, beads, show = (
        line.replace('"', "").split()[1:] for line in lines if line.startswith("    deblur psf ")
    )
    assert make == ["psf", "make", "disk:radius=4", "-o", "psf.tif"]
    assert estimate == ["psf", "estimate", "photo.jpg", "-o", "psf.tif"]
    assert beads == ["psf", "beads", "beads.tif", "--size", "31x65x65", "-o", "psf.tif"]
    assert show == ["psf", "show", "psf.tif"]
    assert run(*make).stdout == "psf.tif: 9 x 9 pixels\n"
    np.testing.assert_allclose(psf.load(tmp_path / "psf.tif"), psf.disk(4), rtol=1e-6)
    shown = run(*show)
    assert shown.stdout.splitlines()[:3] == [
        "size      9 x 9 (rows x columns)",
        "sum       1",
        "centroid  +0.00, +0.00 pixels from the center",
    ]
    assert shown.stderr == ""


def test_beads_of_a_stack(run: Run, tmp_path: Path) -> None:
    x = np.zeros((20, 60, 60))
    x[9, 15, 15] = x[10, 40, 42] = 1
    blurred = Convolution(psf.gaussian((2, 1.5, 1.5)), x.shape, "zero")(x)
    photo.write(tmp_path / "beads.tif", photo.Photo(blurred / blurred.max(), dtype=np.dtype(np.uint16)))
    done = run("psf", "beads", "beads.tif", "--size", "11x13x13", "-o", "psf.tif")
    assert done.stdout.startswith("psf.tif: 11 x 13 x 13 pixels, the mean of 2 beads of 2\n")
    truth = psf.gaussian((2, 1.5, 1.5), (11, 13, 13))
    np.testing.assert_allclose(psf.load(tmp_path / "psf.tif"), truth, atol=0.02 * truth.max())
    assert "--size must be voxels" in run("psf", "beads", "beads.tif", "--size", "9x", "-o", "q.tif", code=2).stderr


def test_the_drawing_has_the_shape_of_the_psf(run: Run) -> None:
    picture = run("psf", "show", "motion:length=5,angle=90").stdout.splitlines()[4:]
    assert picture == ["██"] * 5
    picture = run("psf", "show", "disk:radius=100").stdout.splitlines()[4:]
    assert len(picture) <= 40
    assert max(map(len, picture)) <= 80
    assert picture[len(picture) // 2].strip() == picture[len(picture) // 2]


def test_an_enlarged_picture(run: Run, tmp_path: Path) -> None:
    run("psf", "show", "gaussian:sigma=2x1x3", "-o", "big.png")
    picture = photo.read(tmp_path / "big.png").pixels
    flat = psf.gaussian((2, 1, 3)).sum(axis=0)
    times = picture.shape[0] // flat.shape[0]
    assert picture.shape == tuple(times * size for size in flat.shape)
    assert 512 <= max(picture.shape) < 1024
    np.testing.assert_allclose(picture[::times, ::times] ** 2, flat / flat.max(), atol=0.01)


def test_sum_and_centroid_of_an_off_center_psf(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[0.0, 0, 0], [0, 0, 1], [0, 0, 1]]))
    lines = run("psf", "show", "a.npy").stdout.splitlines()
    assert lines[1:3] == ["sum       2", "centroid  +0.50, +1.00 pixels from the center"]


def test_a_closed_pipe_is_no_error(start: Start) -> None:
    show = start("psf", "show", "disk:radius=2")
    assert show.stdout is not None
    show.stdout.close()
    assert show.communicate()[1] == b""
    assert show.returncode == 141


def test_a_terminal_without_block_characters(start: Start) -> None:
    shown, _ = start("psf", "show", "disk:radius=2", variables={"PYTHONIOENCODING": "ascii"}).communicate()
    assert shown.isascii()
    assert b"@@" in shown


def test_demo(run: Run, tmp_path: Path) -> None:
    (tmp_path / "deblur-demo").mkdir()
    (tmp_path / "deblur-demo/demo.png").write_text("left by an earlier run, and replaced")
    # The restorations take long, and tests/examples has them; .ci/run runs the whole command.
    quickly = "from deblur._examples import demo; demo._restore = lambda case: case.before"
    done = run("demo", prelude=quickly)
    assert "PSNR" in done.stdout
    assert done.stderr == ""
    written = {tmp_path / word for word in done.stdout.split() if word.endswith(".png")}
    assert len(written) == 7
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == written
    assert photo.read(tmp_path / "deblur-demo/demo.png").channel_axis == -1
    done = run("demo", "-o", "deblur-demo", code=2)
    assert done.stderr == "deblur: deblur-demo has pictures of the demo already; --force replaces them\n"


def test_version(run: Run) -> None:
    assert run("--version", own_process=True).stdout == f"deblur {deblur.__version__}\n"


@pytest.mark.parametrize("words", [[], ["psf"]], ids=" ".join)
def test_a_group_alone_prints_its_help(run: Run, words: list[str]) -> None:
    assert run(*words).stdout == run(*words, "--help").stdout


def test_every_kind_of_psf_is_in_the_help(run: Run) -> None:
    lines = run("psf", "make", "--help").stdout.splitlines()
    specs = [line.split()[0] for line in lines if ":" in line and "=" in line and not line.startswith("    deblur")]
    assert {psf.parse(spec).ndim for spec in specs} == {2, 3}
    assert {spec.partition(":")[0] for spec in specs} == set(kinds())


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys, deblur.cli; sys.argv[1:] = ['--help']\n"
        "try: deblur.cli.main()\n"
        "except SystemExit: print({'torch', 'numpy', 'scipy', 'cv2', 'PIL', 'tifffile', 'skimage'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")


def test_what_is_wrong_with_a_psf_is_shown(run: Run, tmp_path: Path) -> None:
    kernel = psf.disk(3, 21)
    np.savetxt(tmp_path / "k.csv", kernel + 0.01, delimiter=";")
    lines = run("psf", "show", "k.csv").stdout.splitlines()
    assert lines[:6] == [
        "size      21 x 21 (rows x columns)",
        "sum       5.41",
        "mended    the PSF stood on an offset of 22 % of its peak, 82 % of its sum; it was subtracted",
        "used      7 x 7 (rows x columns), as below",
        "centroid  +0.00, +0.00 pixels from the center",
        "support   7 x 7 holds 99.9 % of the light",
    ]
    assert lines[6] == "format    text"
    assert lines[7:] == run("psf", "show", "disk:radius=3").stdout.splitlines()[4:]


def test_the_voxels_of_a_psf_are_shown(run: Run, tmp_path: Path) -> None:
    import tifffile

    metadata = {"axes": "ZYX", "PhysicalSizeZ": 0.3, "PhysicalSizeY": 0.1, "PhysicalSizeX": 0.1}
    tifffile.imwrite(tmp_path / "k.ome.tif", psf.gaussian((2, 1, 1)).astype(np.float32), metadata=metadata)
    lines = run("psf", "show", "k.ome.tif").stdout.splitlines()
    assert lines[4:6] == ["voxels    0.3 x 0.1 x 0.1 µm (z, y, x)", "format    OME-TIFF"]


def test_a_psf_that_cannot_be_mended_is_refused(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "k.npy", np.array([[1.0, -0.5, 0.2]]))
    assert "k.npy must not be negative" in run("psf", "show", "k.npy", code=2).stderr
    assert "none.csv" in run("psf", "show", "none.csv", code=2).stderr
