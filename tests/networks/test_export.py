"""Exported networks answer as ours do, in onnxruntime and without this package."""

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data
from torch import nn

from deblur import psf
from deblur.networks import Denoiser, UNet, UnrolledHQS, export_onnx, export_program, pretrained
from deblur.networks._matrix_fourier import irfft2, rfft2
from deblur.operators import Convolution

FRAME, TAPS = (45, 52), (7, 9)


@pytest.fixture(scope="module")
def unrolled() -> UnrolledHQS:
    """Small, and not trained, but with all the steps of a large one."""
    torch.manual_seed(0)
    network = UnrolledHQS(2, widths=(8, 16), depths=(1, 1), decoder_depth=1)
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def unrolled_file(unrolled: UnrolledHQS, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxscript", reason="the extra onnx is not installed")
    path = tmp_path_factory.mktemp("onnx") / "unrolled.onnx"
    export_onnx(unrolled, path, image_shape=FRAME, psf_shape=TAPS)
    return path


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    network = pretrained("denoiser")
    assert isinstance(network, Denoiser)
    return network


@pytest.fixture(scope="module")
def denoiser_file(denoiser: Denoiser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxscript", reason="the extra onnx is not installed")
    path = tmp_path_factory.mktemp("onnx") / "denoiser.onnx"
    export_onnx(denoiser, path)
    return path


def answer(path: Path, **inputs: torch.Tensor) -> np.ndarray:
    runtime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (restored,) = session.run(["restored"], {name: value.numpy() for name, value in inputs.items()})
    return restored


def picture(*shape: int) -> torch.Tensor:
    return torch.from_numpy(data.camera()[150 : 150 + shape[0], 150 : 150 + shape[1]]).float() / 255


@pytest.mark.parametrize("shape", [(1, 64, 64), (2, 37, 61), (3, 8, 130), (1, 5, 3)])
def test_denoiser_that_ships_in_onnxruntime(denoiser: Denoiser, denoiser_file: Path, shape: tuple[int, ...]) -> None:
    image = picture(*shape[1:]).expand(shape[0], 1, -1, -1) + 0.05 * torch.randn(shape[0], 1, *shape[1:])
    level = torch.linspace(0.02, 0.15, shape[0])
    restored = answer(denoiser_file, image=image, noise_level=level)
    assert restored.shape == image.shape
    assert np.abs(restored - denoiser(image, level).numpy()).max() < 1e-4
    assert np.abs(restored - image.numpy()).max() > 1e-2  # it does something


@pytest.mark.parametrize("spec", ["motion:length=7,angle=20", "disk:radius=2.5", "gaussian:sigma=0.8"])
@pytest.mark.parametrize("noise", [0.01, 0.03])
def test_unrolled_in_onnxruntime(unrolled: UnrolledHQS, unrolled_file: Path, spec: str, noise: float) -> None:
    kernel = psf.parse(spec)
    scene = picture(*(f + k - 1 for f, k in zip(FRAME, kernel.shape, strict=True)))[None, None]
    y = Convolution(kernel, scene.shape[-2:], "valid")(scene) + noise * torch.randn(1, 1, *FRAME)
    padded = torch.from_numpy(psf.pad_to(kernel, TAPS)).float()
    level = torch.tensor([noise])
    restored = answer(unrolled_file, y=y, psf=padded, noise_level=level)
    assert np.abs(restored - unrolled(y, padded, level).numpy()).max() < 1e-4


def test_no_operator_that_runtimes_lack(unrolled_file: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
    model = onnx.load(unrolled_file)
    onnx.checker.check_model(model, full_check=True)

    def operators(graph) -> set[str]:
        inner = [a.g for node in graph.node for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]
        return {node.op_type for node in graph.node}.union(*map(operators, inner))

    used = operators(model.graph).union(*({node.op_type for node in f.node} for f in model.functions))
    assert "Loop" in used
    assert "DFT" not in used
    assert {i.domain for i in model.opset_import} <= {"", "pkg.onnxscript.torch_lib", "pkg.torch.2"} | {
        function.domain for function in model.functions
    }


@pytest.mark.parametrize("shape", [(16, 17), (15, 12), (1, 5), (7, 1)])
def test_transforms_by_matrices_are_the_fast_ones(shape: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *shape, dtype=torch.float64)
    grid = (shape[0] + 3, shape[1] + 2)
    assert torch.allclose(rfft2(x), torch.fft.rfft2(x), atol=1e-12)
    spectrum = torch.fft.rfft2(x, grid)
    assert torch.allclose(rfft2(x, grid), spectrum, atol=1e-12)
    assert torch.allclose(irfft2(spectrum, grid), torch.fft.irfft2(spectrum, grid), atol=1e-12)
    noise = torch.randn_like(spectrum)  # of no real image: both take the same part of it
    assert torch.allclose(irfft2(noise, grid), torch.fft.irfft2(noise, grid), atol=1e-12)
    with pytest.raises(NotImplementedError, match="last two axes"):
        rfft2(x, grid, (0, 1))


def test_programs_of_torch_export(unrolled: UnrolledHQS, tmp_path: Path) -> None:
    y, kernel, level = torch.rand(1, 1, *FRAME), torch.rand(TAPS), torch.tensor([0.02])
    kernel /= kernel.sum()
    export_program(unrolled, tmp_path / "unrolled.pt2", image_shape=FRAME, psf_shape=TAPS)
    program = torch.export.load(tmp_path / "unrolled.pt2").module()
    assert torch.allclose(program(y, kernel, level), unrolled(y, kernel, level), atol=1e-6)


def test_network_is_not_changed(denoiser: Denoiser, tmp_path: Path) -> None:
    before = {name: (value.clone(), value.stride()) for name, value in denoiser.state_dict().items()}
    export_program(denoiser, tmp_path / "denoiser.pt2")
    for name, value in denoiser.state_dict().items():
        assert torch.equal(value, before[name][0])
        assert value.stride() == before[name][1]


def test_bad_input(unrolled: UnrolledHQS, tmp_path: Path) -> None:
    target = tmp_path / "network.pt2"
    with pytest.raises(TypeError, match="network must be a Denoiser"):
        export_program(UNet(), target)
    with pytest.raises(TypeError, match="network must be a Denoiser"):
        export_program(nn.Identity(), target)
    with pytest.raises(ValueError, match="larger than image_shape"):
        export_program(unrolled, target, image_shape=(16, 64), psf_shape=(31, 31))
    with pytest.raises(ValueError, match="psf_shape must be two positive integers"):
        export_program(unrolled, target, psf_shape=(31,))
    assert not target.exists()
    target.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        export_program(unrolled, target, image_shape=FRAME, psf_shape=TAPS)
    assert target.read_bytes() == b"mine"
