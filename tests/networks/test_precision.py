"""Where reduced precision is used."""

import pytest
import torch

from deblur.networks._precision import fast_in_bfloat16, reduced_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize("is_supported", [False, True])
def test_torch_before_2_11(is_supported: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: is_supported)
    assert fast_in_bfloat16(CPU) is is_supported


def test_convolutions_run_in_bfloat16_only_where_it_is_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight = torch.rand(1, 1, 8, 8), torch.rand(1, 1, 3, 3)
    for is_fast, wanted in ((True, True), (True, False), (False, True)):
        monkeypatch.setattr("deblur.networks._precision.fast_in_bfloat16", lambda device, fast=is_fast: fast)
        with reduced_precision(CPU, wanted=wanted):
            dtype = torch.nn.functional.conv2d(x, weight).dtype
        assert dtype == (torch.bfloat16 if is_fast and wanted else torch.float32)
    assert not fast_in_bfloat16(torch.device("meta"))
