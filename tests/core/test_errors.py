"""Damaged files in one line, and hints for misspelled names."""

from __future__ import annotations

import errno
import struct

import pytest

from deblur._core.errors import did_you_mean, one_line, reading, suggestion


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("it is cut short\nat byte 12"), "cannot read a.tif: it is cut short"),
        (KeyError("OME"), "cannot read a.tif: it is damaged (KeyError: 'OME')"),
        (struct.error("unpack requires 4 bytes"), "cannot read a.tif: struct.error: unpack requires 4 bytes"),
        (IndexError(), "cannot read a.tif: it is damaged (IndexError)"),
        (OSError("image file is truncated"), "cannot read a.tif: image file is truncated"),
        (OSError(errno.EINVAL, "Invalid argument"), "cannot read a.tif: [Errno 22] Invalid argument"),
    ],
)
def test_damage_is_one_line_that_names_the_file(error, message):
    with pytest.raises(ValueError) as caught, reading("a.tif"):
        raise error
    assert str(caught.value) == message
    assert caught.value.__cause__ is error


def test_the_problem_comes_before_the_reason():
    with pytest.raises(ValueError) as caught, reading("a.npy", "not a readable .npy file"):
        raise KeyError(1)
    assert str(caught.value) == "cannot read a.npy: not a readable .npy file (KeyError: 1)"


@pytest.mark.parametrize(
    "error", [FileNotFoundError(errno.ENOENT, "No such file"), OSError(errno.EIO, "I/O error"), MemoryError()]
)
def test_errors_of_the_system_pass_unchanged(error):
    with pytest.raises(type(error)) as caught, reading("a.tif"):
        raise error
    assert caught.value is error


def test_one_line_takes_the_first_line_that_is_not_empty():
    assert one_line(ValueError("\n  first\nsecond")) == "first"
    assert one_line(ValueError()) == "ValueError"


def test_hints_for_misspelled_names():
    assert suggestion("wienr", iter(["wiener", "fused"])) == "did you mean 'wiener'?"
    assert suggestion("x", iter(["wiener", "fused"])) == "there are wiener, fused"
    assert did_you_mean("levin", ["set14", "levin2009"]) == "did you mean 'levin2009'?"
    assert did_you_mean("x", ["wiener"]) == ""
