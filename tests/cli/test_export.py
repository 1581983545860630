"""`deblur export`: trained networks for other runtimes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from deblur.networks import Denoiser, UnrolledHQS, save

from .conftest import Run

SMALL = {"widths": [4, 8], "depths": [1, 1], "decoder_depth": 1}


@pytest.fixture
def trained(tmp_path: Path) -> Denoiser:
    network = Denoiser(**SMALL).half().float().eval()
    save(tmp_path / "small.safetensors", network, SMALL)
    return network


def test_both_formats(run: Run, tmp_path: Path, trained: Denoiser) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    done = run("export", "small.safetensors", "--onnx", "small.onnx", "--torch", "small.pt2")
    assert done.stdout.splitlines() == ["small.onnx", "small.pt2"]
    assert done.stderr == ""
    image, level = torch.rand(2, 1, 21, 33), torch.tensor([0.05, 0.1])
    expected = trained(image, level).detach().numpy()
    session = runtime.InferenceSession(tmp_path / "small.onnx", providers=["CPUExecutionProvider"])
    (restored,) = session.run(None, {"image": image.numpy(), "noise_level": level.numpy()})
    assert np.abs(restored - expected).max() < 1e-4
    program = torch.export.load(tmp_path / "small.pt2").module()
    assert np.abs(program(image, level).detach().numpy() - expected).max() < 1e-6


def test_sizes_are_those_of_the_options(run: Run, tmp_path: Path) -> None:
    network = UnrolledHQS(1, **SMALL).half().float().eval()
    save(tmp_path / "small.safetensors", network, {"stages": 1, **SMALL})
    run("export", "small.safetensors", "--torch", "small.pt2", "--size", "40x50", "--psf-size", "5")
    y, psf, level = torch.rand(1, 1, 40, 50), torch.full((5, 5), 0.04), torch.tensor([0.02])
    program = torch.export.load(tmp_path / "small.pt2").module()
    assert torch.allclose(program(y, psf, level), network(y, psf, level), atol=1e-5)
    with pytest.raises((RuntimeError, AssertionError), match=r"[Ss]hape|size|Guard"):
        program(y[..., :30], psf, level)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["denoiser"], "give --onnx FILE, --torch FILE, or both"),
        (["nothing", "--torch", "a.pt2"], "there are weights for denoiser, unrolled, not for 'nothing'"),
        (["missing.safetensors", "--torch", "a.pt2"], "there is no file missing.safetensors"),
        (["unrolled", "--torch", "a.pt2", "--size", "40x"], "--size must be pixels such as 256 or 240x320"),
        (["unrolled", "--torch", "a.pt2", "--psf-size", "0"], "--psf-size must be pixels"),
        (["unrolled", "--torch", "a.pt2", "--size", "16"], "psf_shape (31, 31) is larger than image_shape (16, 16)"),
        (["denoiser", "--torch", "there.pt2"], "there.pt2 exists already; --force replaces it"),
        (["denoiser", "--torch", ""], "it is empty"),
    ],
)
def test_bad_input(run: Run, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "there.pt2").write_bytes(b"mine")
    done = run("export", *arguments, code=2)
    (line,) = done.stderr.splitlines()
    assert message in line
    assert [path.name for path in tmp_path.iterdir()] == ["there.pt2"]
    assert (tmp_path / "there.pt2").read_bytes() == b"mine"
