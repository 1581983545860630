"""`deblur doctor`."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import deblur
from deblur._core.devices import accelerator, free_bytes, resolve_device
from deblur._core.extras import DISTRIBUTION, extras, install_command
from deblur.operators import Convolution, adjoint_error

DEPENDENCIES = (
    "numpy",
    "scipy",
    "torch",
    "scikit-image",
    "opencv-python-headless",
    "pillow",
    "tifffile",
    "safetensors",
)
FOR_DEVELOPERS = ("dev", "docs", "notebooks", "test")

SIDE, NOISE = 64, 0.01
GAIN = {"wiener": 1.0, "unrolled": 3.5}
"""Smallest gain in dB on the test scene: about half of what the methods reach, 1.8 and 6.7 dB."""


def run_doctor(device: str, *, as_json: bool) -> int:
    """Print the report, and return the exit code.

    Parameters
    ----------
    device : str
        Where the self-test computes, see `deblur._core.devices.resolve_device`.
    as_json : bool
        Whether to print JSON.
    """
    report = {**describe(device), "checks": run_checks(device)}
    print(json.dumps(report, indent=2) if as_json else _text(report))
    return 0 if all(check["passed"] for check in report["checks"].values()) else 1


def describe(device: str) -> dict[str, Any]:
    """Return versions, device, threads, memory in bytes, and the state of the extras."""
    found, chosen = accelerator(), resolve_device(device)
    return {
        "deblur": deblur.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in DEPENDENCIES},
        "device": str(chosen),
        "accelerator": None if found is None else str(found),
        "free_memory": free_bytes(chosen),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "extras": {name: _missing(needed) for name, needed in extras().items() if name not in FOR_DEVELOPERS},
    }


def run_checks(device: str) -> dict[str, dict[str, Any]]:
    """Run the self-test, and return for every check whether it passed, its result or error, and its seconds."""
    report = {}
    for name, check in CHECKS.items():
        start = time.perf_counter()
        try:
            result, passed = check(device)
        except Exception as error:  # whatever is broken in the installation is to be named in the report
            result, passed = f"{type(error).__name__}: {error}", False
        report[name] = {"passed": passed, "result": result, "seconds": round(time.perf_counter() - start, 2)}
    return report


def _check_adjoint(device: str) -> tuple[str, bool]:
    kernel = torch.from_numpy(deblur.psf.camera_shake(9, seed=1)).to(resolve_device(device), torch.float32)
    error = adjoint_error(Convolution(kernel, (SIDE, SIDE), "reflect"), dtype=torch.float32)
    return f"relative error {error:.1e}", error <= 1e-5


def _check_restoration(method: str) -> Callable[[str], tuple[str, bool]]:
    def check(device: str) -> tuple[str, bool]:
        blur, scene = deblur.psf.disk(2), _scene()
        blurred = Convolution(blur, scene.shape, "valid")(scene)
        blurred += NOISE * np.random.default_rng(0).standard_normal(blurred.shape)
        made = deblur.restore(blurred.astype(np.float32), blur, method=method, noise_level=NOISE, device=device)
        edge = blur.shape[0] // 2
        truth = scene[edge:-edge, edge:-edge]
        before, after = (10 * np.log10(1 / np.mean((image - truth) ** 2)) for image in (blurred, made.image))
        return f"{before:.1f} to {after:.1f} dB", bool(after - before >= GAIN[method])

    return check


def _check_factorization(device: str) -> tuple[str, bool]:
    import nmf

    V = torch.rand(20, 30, generator=torch.Generator().manual_seed(0)).to(resolve_device(device))
    model = nmf.NMF(V.shape, 3, seed=0).to(V.device)
    before = float(nmf.beta_divergence(V, model().detach(), 1))
    model.fit(V, 1, max_iter=1, tol=0)
    after = float(nmf.beta_divergence(V, model().detach(), 1))
    return f"divergence {before:.3g} to {after:.3g}", 0 < after < before


CHECKS: dict[str, Callable[[str], tuple[str, bool]]] = {
    "adjoint of a convolution": _check_adjoint,
    "restoration, wiener": _check_restoration("wiener"),
    "restoration, unrolled network": _check_restoration("unrolled"),
    "factorization": _check_factorization,
}


def _scene() -> np.ndarray:
    """Return an image of bright disks on a slope, in [0, 1]."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    scene = 0.2 + 0.2 * columns
    for row, column, radius, value in ((0.3, 0.3, 0.15, 0.9), (0.6, 0.7, 0.2, 0.7), (0.75, 0.25, 0.1, 0.05)):
        scene[np.hypot(rows - row, columns - column) < radius] = value
    return scene


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _missing(requirements: tuple[str, ...]) -> list[str]:
    """Return the requirements whose distributions are not installed."""
    return [each for each in requirements if _version(re.split(r"[\s\[<>=!~;]", each, maxsplit=1)[0]) is None]


def _text(report: dict[str, Any]) -> str:
    memory = report["free_memory"]
    lines = [
        f"{DISTRIBUTION} {report['deblur']}, Python {report['python']}, {report['platform']}",
        "packages    " + ", ".join(f"{name} {version or 'MISSING'}" for name, version in report["packages"].items()),
        f"device      {report['device']} (accelerator: {report['accelerator'] or 'none'}), "
        + ("free memory unknown" if memory is None else f"{memory / 2**30:.1f} GB free"),
        f"threads     {report['threads']} of {report['cores']} cores",
        "extras",
    ]
    for name, missing in sorted(report["extras"].items()):
        lines.append(f"  {name:10}{f'missing: {install_command(name)}' if missing else 'installed'}")
    lines.append("self-test")
    for name, check in report["checks"].items():
        verdict = "passed" if check["passed"] else "FAILED"
        lines.append(f"  {verdict}  {name}: {check['result']} ({check['seconds']:.1f} s)")
    return "\n".join(lines)
