"""`deblur restore -`: a picture from standard input, the result to standard output."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from deblur import photo
from deblur.photo import Photo
from tests.commands import Commands

from .conftest import BLUR, Run, Start


@pytest.fixture
def pipe(start: Start, tmp_path: Path):
    """Run `deblur restore -` on bytes, and check its exit code."""

    def pipe(data: bytes, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[bytes]:
        work = start("restore", "-", *arguments, stdin=subprocess.PIPE, variables={"TMPDIR": str(tmp_path)})
        stdout, stderr = work.communicate(data)
        assert work.returncode == code, stderr
        return subprocess.CompletedProcess(arguments, code, stdout, stderr)

    return pipe


@pytest.mark.parametrize(("suffix", "dtype"), [(".jpg", "uint8"), (".tif", "float32")])
def test_the_output_is_that_of_a_file(
    run: Run, pipe, tmp_path: Path, blurred: np.ndarray, suffix: str, dtype: str
) -> None:
    source = tmp_path / f"photo{suffix}"
    photo.write(source, Photo(blurred, -1, dtype=np.dtype(dtype), resolution=(300.0, 300.0)))
    options = ["--psf", BLUR, "--method", "wiener"]
    run("restore", source, *options)
    before = set(tmp_path.iterdir())
    done = pipe(source.read_bytes(), *options)
    assert done.stdout == source.with_stem("photo-restored").read_bytes()
    assert done.stderr.startswith(f"standard-input{suffix} -> standard-output{suffix} (wiener".encode())
    assert set(tmp_path.iterdir()) == before


def test_an_unchanged_picture_comes_out_as_it_went_in(pipe, tmp_path: Path) -> None:
    photo.write(tmp_path / "flat.jpg", Photo(np.full((60, 60, 3), 0.5), -1))
    data = (tmp_path / "flat.jpg").read_bytes() + bytes(9)
    assert pipe(data).stdout == data


def test_the_format_and_the_log(pipe, tmp_path: Path, blurred: np.ndarray) -> None:
    source = tmp_path / "photo.jpg"
    photo.write(source, Photo(blurred, -1))
    options = ["--psf", BLUR, "--method", "wiener", "--log", "log.txt"]
    (tmp_path / "sharp.png").write_bytes(pipe(source.read_bytes(), *options, "--format", "png").stdout)
    assert photo.read(tmp_path / "sharp.png").pixels.shape == blurred.shape
    pipe(source.read_bytes()[:200], *options, code=2)
    first, second = (tmp_path / "log.txt").read_text().splitlines()
    assert " standard-input.jpg -> standard-output.png (wiener" in first
    assert " error: cannot read standard-input.jpg" in second


def test_output_can_be_a_file(pipe, tmp_path: Path, blurred: np.ndarray) -> None:
    source = tmp_path / "photo.png"
    photo.write(source, Photo(blurred, -1))
    done = pipe(source.read_bytes(), "--psf", BLUR, "--method", "wiener", "-o", "sharp.tif")
    assert done.stdout == b""
    assert photo.read(tmp_path / "sharp.tif").pixels.shape == blurred.shape
    pipe(source.read_bytes(), "--psf", BLUR, "--method", "wiener", "-o", "sharp.tif", code=2)


@pytest.mark.parametrize(
    ("data", "arguments", "message"),
    [
        (b"", [], "cannot read standard input: it is empty"),
        (b"this is no picture\n", [], "cannot read standard input: it is not a JPEG, PNG, TIFF, WebP, "),
        (b"\xff\xd8\xff\xe0 cut short", [], "cannot read standard-input.jpg"),
        (b"", ["other.png"], "it goes with no other"),
        (b"", ["--json"], "not with --json"),
        (b"", ["--psf", BLUR, "--jobs", "2"], "- is one picture, restored here"),
        (b"", ["--psf", BLUR, "--skip-existing"], "- is one picture, restored here"),
        (b"", ["--psf", BLUR, "--recursive"], "- is one picture, restored here"),
        (b"", ["--psf", BLUR, "--format", "gif"], "--format must be one of jpg, "),
        (b"", ["--psf", "disk:size=3"], "cannot read standard input: it is empty"),
    ],
)
def test_errors_go_to_standard_error(pipe, tmp_path: Path, data: bytes, arguments: list[str], message: str) -> None:
    done = pipe(data, *arguments, code=2)
    assert done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("deblur: ")
    assert message in line
    assert not list(tmp_path.iterdir())


def test_a_closed_pipe_ends_the_command(commands: Commands, environment: dict[str, str], tmp_path: Path) -> None:
    source = tmp_path / "photo.tif"
    photo.write(source, Photo(np.random.default_rng(0).random((300, 300)), dtype=np.dtype(np.float64)))
    command = f'"{commands.command}" restore - --psf disk:radius=1 --method wiener'
    line = f"{command} < photo.tif | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 141
    assert b"Traceback" not in done.stderr
