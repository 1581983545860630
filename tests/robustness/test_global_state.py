"""No result depends on the settings that torch keeps for a whole program, and no call changes them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import pytest
import torch

import deblur
from deblur import blind, nonblind, psf
from deblur.networks import UDN, load, save
from deblur.nonblind import NoiseModel

PICTURE = np.clip(np.random.default_rng(0).normal(0.5, 0.2, (28, 32)), 0, 1).astype(np.float32)
COLORS = np.stack([PICTURE, PICTURE[::-1], 0.5 * PICTURE], -1)
KERNEL = psf.gaussian(1.0, shape=(5, 5))
COMPRESSED = NoiseModel(luminance=20, chrominance=30, shot=1e-4)

CALLS: dict[str, Callable[[], Any]] = {
    "wiener": lambda: nonblind.wiener(PICTURE, KERNEL),
    "unsupervised_wiener": lambda: nonblind.unsupervised_wiener(PICTURE, KERNEL, max_iter=30, seed=0),
    "richardson_lucy": lambda: nonblind.richardson_lucy(PICTURE, KERNEL, num_iter=5),
    "total_variation": lambda: nonblind.total_variation(PICTURE, KERNEL, num_iter=5),
    "hyper_laplacian": lambda: nonblind.hyper_laplacian(PICTURE, KERNEL, num_iter=3),
    "unrolled": lambda: nonblind.unrolled(COLORS, KERNEL, channel_axis=-1, noise_level=COMPRESSED),
    "plug_and_play": lambda: nonblind.plug_and_play(PICTURE, KERNEL, num_iter=2),
    "adm": lambda: nonblind.adm(PICTURE, KERNEL, num_iter=2),
    "fused": lambda: nonblind.fused(PICTURE, KERNEL),
    "split_highlights": lambda: nonblind.split_highlights(PICTURE, KERNEL, 0.9).remainder,
    "estimate_noise": lambda: np.array(nonblind.estimate_noise(PICTURE, KERNEL)),
    "wiener_balance": lambda: np.array(nonblind.wiener_balance(PICTURE, KERNEL)),
    "restore": lambda: deblur.restore(COLORS, KERNEL, channel_axis=-1, linear=True, bad_pixels="auto").image,
    "sparse_edges": lambda: blind.sparse_edges(PICTURE, (5, 5)).psf,
    "defocus": lambda: blind.defocus(PICTURE).image,
    "motion": lambda: blind.motion(PICTURE).image,
    "soft": lambda: blind.soft(PICTURE).image,
    "blind.richardson_lucy": lambda: blind.richardson_lucy(PICTURE, (3, 3), num_iter=3).image,
}


@contextmanager
def _default_type() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "default type": _default_type,
    "default device": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
}


def _state() -> tuple[Any, ...]:
    drawn = torch.get_rng_state().numpy().tobytes(), np.random.get_state()[1].tobytes(), random.getstate()  # noqa: NPY002
    return *drawn, torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()


@pytest.mark.parametrize("name", CALLS)
def test_results_do_not_depend_on_global_settings_and_leave_them_alone(name: str) -> None:
    before = _state()
    plain = CALLS[name]()
    assert _state() == before
    for setting, context in SETTINGS.items():
        with context():
            result = CALLS[name]()
        np.testing.assert_array_equal(result, plain, err_msg=setting)
        assert result.dtype == plain.dtype, setting


def test_networks_are_loaded_without_drawing_random_numbers(tmp_path: Any) -> None:
    net = UDN(2, width=8).eval()
    save(tmp_path / "a.safetensors", net, {"depth": 2, "width": 8})
    before = _state()
    with _default_type():
        loaded = load(tmp_path / "a.safetensors")
    assert _state() == before
    assert {t.device.type for t in (*loaded.parameters(), *loaded.buffers())} == {"cpu"}
    assert {t.dtype for t in (*loaded.parameters(), *loaded.buffers())} == {torch.float32}
    torch.testing.assert_close(loaded.levels, net.levels)
