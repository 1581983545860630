"""The networks that ship, in onnxruntime and in torch: largest differences, and seconds.

python -m benchmarks.speed.onnx_export [SIZE]    # images of SIZE x SIZE pixels
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage import data

from benchmarks._arguments import argument_parser
from deblur import psf
from deblur.networks import export_onnx, pretrained
from deblur.operators import Convolution

PSF_SHAPE = (31, 31)
BLURS = ("gaussian:sigma=2", "disk:radius=5", "motion:length=25,angle=30", "camera_shake:length=15,seed=4")
NOISES = (0.005, 0.01, 0.03)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("size", type=int, nargs="?", default=256)
    size = parser.parse_args().size
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        compare_denoiser(Path(folder, "denoiser.onnx"), size)
        compare_unrolled(Path(folder, "unrolled.onnx"), size)


def compare_denoiser(path: Path, size: int) -> None:
    network, session = exported("denoiser", path)
    clean = torch.from_numpy(data.camera()[:size, :size]).float()[None, None] / 255
    for noise in (0.05, 0.15):
        report(f"noise {noise:.1%}", network, session, clean + noise * torch.randn_like(clean), torch.tensor([noise]))


def compare_unrolled(path: Path, size: int) -> None:
    network, session = exported("unrolled", path, image_shape=(size, size), psf_shape=PSF_SHAPE)
    for spec in BLURS:
        kernel = psf.parse(spec)
        whole = torch.from_numpy(data.camera()[: size + kernel.shape[0] - 1, : size + kernel.shape[1] - 1])
        scene = whole.float()[None, None] / 255
        y = Convolution(kernel, scene.shape[-2:], "valid")(scene)
        padded = torch.from_numpy(psf.pad_to(kernel, PSF_SHAPE)).float()
        for noise in NOISES:
            noisy = y + noise * torch.randn_like(y)
            report(f"{spec}, noise {noise:.1%}", network, session, noisy, padded, torch.tensor([noise]))


def exported(name: str, path: Path, **shapes: Any) -> tuple[torch.nn.Module, Any]:
    import onnxruntime

    network, start = pretrained(name), time.perf_counter()
    export_onnx(network, path, **shapes)
    written = time.perf_counter()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    loaded = time.perf_counter()
    megabytes = path.stat().st_size / 1e6
    print(f"{name}: exported in {written - start:.0f} s, {megabytes:.1f} MB, loaded in {loaded - written:.1f} s")
    return network, session


@torch.inference_mode()
def report(what: str, network: torch.nn.Module, session: Any, *inputs: torch.Tensor) -> None:
    named = {wanted.name: value.numpy() for wanted, value in zip(session.get_inputs(), inputs, strict=True)}
    start = time.perf_counter()
    (theirs,) = session.run(None, named)
    middle = time.perf_counter()
    ours = network(*inputs).numpy()
    end = time.perf_counter()
    exact = network.double()(*(value.double() for value in inputs)).numpy()
    network.float()
    against, rounding = (np.abs(a - b).max() for a, b in ((theirs, ours), (ours, exact)))
    print(
        f"  {what:42} {against:.1e} from torch, which is {rounding:.1e} from float64; "
        f"{middle - start:.2f} s, torch {end - middle:.2f} s"
    )


if __name__ == "__main__":
    main()
