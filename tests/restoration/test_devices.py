"""The device of a plan, on a machine without an accelerator: one that is faked, and torch's meta device."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import deblur
from deblur import psf
from deblur._core import devices
from deblur._core.devices import resolve_device
from deblur.operators import Convolution
from deblur.restoration import _run
from deblur.restoration._plan import make_plan
from deblur.restoration._policy import policy_for

KERNEL = psf.gaussian((1.0, 1.0))


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> torch.device:
    """An accelerator with 1 GiB, where tensors have shapes only."""
    device = torch.device("meta")
    monkeypatch.setattr(devices, "accelerator", lambda: device)
    monkeypatch.setattr(devices, "free_bytes", lambda device: 2**30)
    return device


def test_auto_takes_the_accelerator_if_the_work_fits(faked: torch.device) -> None:
    assert resolve_device("auto") == faked
    assert resolve_device("auto", needed_bytes=2**20) == faked
    assert resolve_device("auto", needed_bytes=2**31).type == "cpu"
    assert resolve_device("cpu").type == "cpu"


def test_a_named_device_that_is_short_of_memory_falls_back_with_a_line(faked: torch.device) -> None:
    with pytest.warns(RuntimeWarning, match=r"meta has 1.0 GB free and about 8.0 GB are needed: computing on the CPU"):
        assert resolve_device("meta", needed_bytes=2**33).type == "cpu"


def test_an_absent_device_is_an_error_that_lists_what_is_there() -> None:
    for name in ("cuda:77", "tpu"):
        with pytest.raises(ValueError, match=rf"device '{name}' is not on this machine \(here: auto, cpu"):
            deblur.restore(np.zeros((20, 20)), KERNEL, device=name)


def test_the_plan_knows_what_fits(faked: torch.device) -> None:
    policy = policy_for("array", np.float32, KERNEL)
    assert make_plan(policy, (512, 512), method="wiener", device="auto").device == faked
    assert make_plan(policy, (20000, 20000), method="wiener", device="auto").device.type == "cpu"
    assert make_plan(policy, (512, 512), method="wiener").device.type == "cpu"  # where the array is


def test_image_and_psf_reach_the_method_on_the_device(faked: torch.device, monkeypatch: pytest.MonkeyPatch) -> None:
    """The method computes on the faked accelerator, and the result is of the kind and on the device of the image."""
    seen = []

    def blur_only(image, psf, *, noise_level=None, channel_axis=None, progress=None):
        seen.extend([image.device, psf.device])
        restored = Convolution(psf, tuple(image.shape[-2:]), "reflect").T(image)
        assert restored.device == image.device
        return torch.zeros(restored.shape, dtype=restored.dtype)  # meta tensors have no values to bring back

    policy = policy_for("array", np.float32, KERNEL)
    plan = make_plan(policy, (40, 40), method="wiener", device="auto", noise_level=0.01)
    monkeypatch.setitem(plan.method.__dict__, "function", blur_only)
    for image in (np.zeros((40, 40), np.float32), torch.zeros(40, 40)):
        made = _run.restore_window(plan, image)
        assert type(made.image) is type(image)
        assert made.image.shape == (40, 40)
    assert set(seen) == {faked}


@pytest.mark.skipif(devices.accelerator() is None, reason="there is no accelerator on this machine")
@pytest.mark.parametrize("method", ["wiener", "richardson-lucy", "unrolled", "total-variation"])
def test_an_accelerator_gives_the_same_result(method: str, rng: np.random.Generator) -> None:
    image = rng.random((96, 96), dtype=np.float32)
    here, there = (deblur.restore(image, KERNEL, method=method, device=each).image for each in ("cpu", "auto"))
    np.testing.assert_allclose(there, here, atol=2e-3)
