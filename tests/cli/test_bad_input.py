"""Bad input of every kind: exit code 2, one line that names what is wrong, and no new file."""

from pathlib import Path

import numpy as np
import pytest

from deblur import photo
from deblur.cli._errors import complain
from deblur.photo import Photo

from .conftest import Run, Start

GOOD_PSF = ["--psf", "disk:radius=2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good and bad files; nothing here may change."""
    folder = tmp_path_factory.mktemp("bad")
    rng = np.random.default_rng(0)
    float32 = np.dtype(np.float32)
    gray = Photo(rng.random((24, 32)))
    for name in ("good.png", "good.tif", "good.jpg", "good.webp", "taken.png", "good-restored.jpg"):
        photo.write(folder / name, gray)
    photo.write(folder / "transparent.png", Photo(gray.pixels, alpha=np.full((24, 32), 0.5)))
    photo.write(folder / "stack.tif", Photo(rng.random((3, 24, 32))))
    photo.write(folder / "nan.tif", Photo(np.full((24, 32), np.nan), dtype=float32))
    photo.write(folder / "infinite.tif", Photo(np.full((24, 32), np.inf), dtype=float32))
    for name in ("good.png", "good.jpg", "good.tif", "good.webp"):
        whole = (folder / name).read_bytes()
        (folder / f"cut-{name}").write_bytes(whole[: 2 * len(whole) // 3])
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("this is no picture\n")
    (folder / "text.txt").write_text("this is no picture\n")
    (folder / "not-an-image.img").write_bytes((folder / "good.png").read_bytes())
    (folder / "wrong-name.img").write_text("this is no picture\n")
    (folder / "empty-folder").mkdir()
    for name in ("one", "two"):
        (folder / name).mkdir()
        photo.write(folder / name / "same.png", gray)

    kernel = np.ones((3, 3))
    np.save(folder / "zero.npy", 0 * kernel)
    np.save(folder / "negative.npy", kernel - 2 * np.eye(3))
    np.save(folder / "nan.npy", np.where(np.eye(3) > 0, np.nan, 1))
    np.save(folder / "no-values.npy", np.ones((0, 3)))
    np.save(folder / "row.npy", np.ones(3))
    np.save(folder / "objects.npy", np.array([{}, None]), allow_pickle=True)
    np.save(folder / "complex.npy", 1j * kernel)
    (folder / "empty.npy").touch()
    (folder / "empty-psf.tif").touch()
    photo.write(folder / "color-psf.png", Photo(rng.random((5, 5, 3)), -1))
    return folder


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def restore(*arguments: str) -> list[str]:
    return ["restore", *arguments, *([] if "--psf" in arguments else GOOD_PSF)]


def with_psf(text: str) -> list[str]:
    return restore("good.png", "--psf", text)


TABLE: list[tuple[list[str], str]] = [
    # the pictures
    (restore("missing.png"), "missing.png"),
    (restore("missing-folder/a.png"), "missing-folder/a.png"),
    (restore("good.png/a.png"), "good.png/a.png"),
    (restore(""), "'IMAGE': it is empty"),
    (restore("empty.png"), "empty.png"),
    (restore("text.png"), "text.png"),
    (restore("text.txt"), "text.txt"),
    (restore("wrong-name.img"), "wrong-name.img"),
    (restore("not-an-image.img"), "suffix"),
    (restore("zero.npy"), "zero.npy"),
    (restore("cut-good.png"), "cut-good.png"),
    (restore("cut-good.jpg"), "cut-good.jpg"),
    (restore("cut-good.tif"), "cut-good.tif"),
    (restore("cut-good.webp"), "cut-good.webp"),
    (restore("empty-folder"), "empty-folder"),
    (restore("/dev/null"), "/dev/null"),
    (restore("nan.tif"), "nan.tif"),
    (restore("infinite.tif", "--method", "richardson-lucy"), "infinite.tif"),
    # the point-spread function
    (with_psf("gaussian:sigma=1x1x1"), "good.png: it has one page"),
    (with_psf("gaussian:sigma=2x"), "sigma"),
    (with_psf("zero.npy"), "zero.npy"),
    (with_psf("negative.npy"), "negative.npy"),
    (with_psf("nan.npy"), "nan.npy"),
    (with_psf("no-values.npy"), "no-values.npy"),
    (with_psf("row.npy"), "row.npy"),
    (with_psf("objects.npy"), "objects.npy"),
    (with_psf("complex.npy"), "complex.npy"),
    (with_psf("empty.npy"), "empty.npy"),
    (with_psf("empty-psf.tif"), "empty-psf.tif"),
    (with_psf("text.png"), "text.png"),
    (with_psf("cut-good.png"), "cut-good.png"),
    (with_psf("color-psf.png"), "color-psf.png"),
    (with_psf("missing.npy"), "missing.npy"),
    (with_psf("empty-folder"), "empty-folder"),
    (with_psf(""), "psf ''"),
    (with_psf("gausian:sigma=2"), "did you mean 'gaussian'?"),
    (with_psf("gaussian"), "sigma is missing"),
    (with_psf("gaussian:"), "sigma is missing"),
    (with_psf("gaussian:sgima=2"), "did you mean 'sigma'?"),
    (with_psf("gaussian:sigma"), "name=value"),
    (with_psf("gaussian:sigma=two"), "'two'"),
    (with_psf("gaussian:sigma=-1"), "sigma"),
    (with_psf("gaussian:sigma=nan"), "sigma"),
    (with_psf("gaussian:sigma=1e9"), "sigma"),
    (with_psf("gaussian:sigma=2,sigma=3"), "given twice"),
    (with_psf("gaussian:sigma=1x2x3x4"), "sigma"),
    (with_psf("disk:radius=3,shape=3"), "shape"),
    (with_psf("disk:radius=3,shape=0"), "shape"),
    (with_psf("motion:length=inf"), "length"),
    (with_psf("camera_shake:length=9,seed=1.5"), "seed"),
    # the options
    (["restore", *GOOD_PSF], "IMAGE"),
    (["restor", "good.png"], "'restor'"),
    (["psf", "mak"], "'mak'"),
    (restore("good.png", "--psff", "x"), "--psff"),
    (restore("good.png", "--psf"), "--psf"),
    (restore("good.png", "--method", "weiner"), "--method 'weiner' is unknown; did you mean 'wiener'?"),
    (restore("good.png", "--method", ""), "--method"),
    (restore("good.png", "--method", "Wiener", "--json"), "--method"),
    (restore("good.png", "--noise-level", "-0.1"), "--noise-level"),
    (restore("good.png", "--noise-level", "nan"), "--noise-level"),
    (restore("good.png", "--noise-level", "inf"), "--noise-level"),
    (restore("good.png", "--noise-level", "low"), "--noise-level"),
    (restore("good.png", "--iterations", "9"), "--iterations"),
    (restore("good.png", "--iterations", "0", "--method", "richardson-lucy"), "at least 1 for richardson-lucy, got 0"),
    (restore("good.png", "--iterations", "-3", "--method", "richardson-lucy"), "--iterations"),
    (restore("good.png", "--iterations", "2.5", "--method", "richardson-lucy"), "--iterations"),
    (restore("good.png", "--iterations", "20", "--method", "unsupervised-wiener"), "at least 30"),
    (restore("good.png", "--linear=yes"), "--linear"),
    # the output
    (restore("good.jpg"), "good-restored.jpg exists already; --force"),
    (restore("good.jpg", "good-restored.jpg", "--force"), "good-restored.jpg is to be restored itself"),
    (restore("good.png", "-o", "taken.png"), "taken.png exists already; --force"),
    (restore("good.png", "-o", "good.png"), "good.png exists already; --force"),
    (restore("missing.png", "good.png", "-o", "taken.png"), "-o taken.png"),
    (restore("good.png", "good.tif", "-o", "new.png"), "-o new.png"),
    (restore("one", "-o", "new.png"), "-o new.png"),
    (restore("good.png", "good.png"), "good-restored.png"),
    (restore("one", "two", "-o", "out"), "same-restored.png"),
    (restore("good.png", "-o", "new.psd"), "new.psd"),
    (restore("good.png", "-o", "new"), "suffix"),
    (restore("good.png", "-o", ""), "it is empty"),
    (restore("good.png", "-o", "missing-folder/a.png"), "missing-folder"),
    (restore("good.png", "-o", "taken.png/a.png"), "taken.png"),
    (restore("good.png", "-o", "taken.png/deep/"), "taken.png"),
    (restore("good.png", "-o", "/proc/a.png"), "/proc"),
    (restore("good.png", "-o", "/dev/full"), "/dev/full"),
    (restore("good.png", "-o", "/dev/full", "--force"), "/dev/full"),
    (restore("stack.tif", "-o", "new.png"), "new.png"),
    (restore("transparent.png", "-o", "new.jpg"), "new.jpg"),
    # the other commands
    (["psf", "make", "disk:radius=2"], "'--output'"),
    (["psf", "make", "disk:radius=2", "-o", "taken.png"], "taken.png exists already; --force"),
    (["psf", "make", "disk:radius=2", "-o", "new.jpg"], "new.jpg"),
    (["psf", "make", "disk:radius=2", "-o", "missing-folder/a.npy"], "missing-folder"),
    (["psf", "make", "disk:radius=2", "-o", "/proc/a.npy"], "/proc/a.npy"),
    (["psf", "make", "dsik:radius=2", "-o", "new.npy"], "did you mean 'disk'?"),
    (["psf", "make", "gaussian:sigma=1x1x1", "-o", "new.png"], "psf"),
    (["psf", "show", "zero.npy", "-o", "new.png"], "zero.npy"),
    (["psf", "show", "disk:radius=2", "-o", "taken.png"], "taken.png"),
    (["psf", "show", "disk:radius=2", "-o", "new.npy"], "new.npy"),
    (["psf", "show", "disk:radius=2", "-o", "new.zarr"], "new.zarr: its suffix must be one of .jpg"),
    (["psf", "show", "disk:radius=2", "-o", "missing-folder/a.png"], "missing-folder"),
    (["demo", "-o", "taken.png"], "taken.png"),
    (["demo", "-o", "taken.png/deep"], "taken.png"),
    (["demo", "extra"], "extra"),
]


@pytest.mark.parametrize(
    ("arguments", "named"), TABLE, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_one_line(run: Run, folder: Path, arguments: list[str], named: str) -> None:
    for device in ("/dev/null", "/dev/full", "/proc"):
        if any(argument.startswith(device) for argument in arguments) and not Path(device).exists():
            pytest.skip(f"there is no {device} here")
    before = contents(folder)
    done = run(*arguments, code=2, cwd=folder)
    assert done.stderr.startswith("deblur: ")
    assert done.stderr.endswith("\n")
    assert done.stderr.count("\n") == 1
    assert named in done.stderr
    assert "internal error" not in done.stderr
    assert done.stdout == ""
    assert contents(folder) == before


def test_a_developer_can_ask_for_the_traceback(start: Start, folder: Path) -> None:
    work = start(*restore("missing.png"), cwd=folder, variables={"DEBLUR_DEBUG": "1"}, text=True)
    errors = work.communicate()[1]
    assert work.returncode == 2
    assert "Traceback" in errors
    assert errors.endswith("\ndeblur: missing.png: No such file or directory\n")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "a.png: not enough memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 1 TB"), "a.png: not enough memory"),
        (KeyError("b"), "a.png: internal error: KeyError: 'b' (set DEBLUR_DEBUG=1 to see where)"),
        (OSError(28, "No space left on device"), "a.png: No space left on device"),
        (ValueError("a.png is\nbad"), "a.png is bad"),
    ],
)
def test_every_error_becomes_a_line(error: Exception, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert complain(error, about=Path("a.png")) == line
    assert capsys.readouterr().err == f"deblur: {line}\n"
