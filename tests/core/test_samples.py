"""One rule for integers: arrays and files are scaled alike, and back without loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deblur._core.arrays import as_float_tensor
from deblur._core.samples import quantized, scaled

INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32")


def extremes(dtype: str) -> np.ndarray:
    limits = np.iinfo(dtype)
    return np.unique(np.linspace(limits.min, limits.max, 70_001).round()).astype(dtype)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_arrays_tensors_and_files_are_scaled_alike(dtype):
    samples = extremes(dtype)
    expected = scaled(samples)
    assert expected.dtype == (np.float32 if samples.itemsize <= 2 else np.float64)
    assert expected.max() == 1
    np.testing.assert_array_equal(as_float_tensor(samples)[0].numpy(), expected)
    np.testing.assert_array_equal(as_float_tensor(torch.from_numpy(samples))[0].numpy(), expected)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_quantized_inverts_scaled(dtype):
    samples = extremes(dtype)
    np.testing.assert_array_equal(quantized(scaled(samples), samples.dtype), samples)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("bool", "float32"), ("float16", "float32"), (">f4", "float32"), ("float32", "float32"), (">f8", "float64")],
)
def test_other_types_keep_their_values(dtype, expected):
    values = np.array([0, 1, 1], dtype)
    tensor, to_input_kind = as_float_tensor(values)
    assert scaled(values).dtype == expected
    assert to_input_kind(tensor).dtype == expected
    np.testing.assert_array_equal(to_input_kind(tensor), [0, 1, 1])


def test_results_come_back_in_the_kind_of_the_input():
    tensor, to_input_kind = as_float_tensor(torch.tensor([0, 255], dtype=torch.uint8))
    assert to_input_kind(tensor) is tensor
    assert isinstance(as_float_tensor(np.ones(2))[1](tensor), np.ndarray)
