"""The registry: every method is reachable, and a new one takes three edits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import deblur
from deblur import psf
from deblur.benchmark import method, method_names
from deblur.operators import Convolution
from deblur.photo import Photo
from deblur.restoration._registry import ROWS, find_method

ROOT = Path(deblur.__file__).parent


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_complete(row) -> None:
    assert row.function.__doc__
    assert "progress" in row.parameters
    assert "noise_level" in row.parameters or row.name == "blind-richardson-lucy"
    assert find_method(row.name.replace("-", "_")) is row
    assert row.summary[0].islower() or row.summary[0].isupper()
    assert not row.summary.endswith(".")
    assert (row.name.replace("-", "_") in method_names()) == (not row.required)
    assert method(row.name).blind == row.blind
    assert row.name in deblur.methods()


def test_every_function_of_the_packages_has_a_row() -> None:
    """A method that is written and exported but not registered is found here."""
    import inspect

    known = {row.function for row in ROWS} | {deblur.blind.selfdeblur}
    for package, required in ((deblur.nonblind, ["image", "psf"]), (deblur.blind, ["image"])):
        for name in package.__all__:
            function = getattr(package, name)
            if not inspect.isfunction(function):
                continue
            needs = [p.name for p in inspect.signature(function).parameters.values() if p.default is p.empty]
            if needs == required and "progress" in inspect.signature(function).parameters:
                assert function in known, name


def test_bad_names_and_options_suggest_the_nearest() -> None:
    image, kernel = np.zeros((20, 20)), psf.gaussian((1, 1))
    with pytest.raises(ValueError, match="did you mean 'wiener'"):
        deblur.restore(image, kernel, method="wienr")
    with pytest.raises(TypeError, match="wiener has no option 'balanse'; did you mean 'balance'"):
        deblur.restore(image, kernel, method="wiener", balanse=1)
    with pytest.raises(TypeError, match="blind-richardson-lucy needs the option psf_shape"):
        deblur.restore(image, method="blind_richardson_lucy")
    with pytest.raises(ValueError, match="takes images without channels"):
        deblur.restore(np.zeros((20, 20, 3)), method="blind-richardson-lucy", psf_shape=5, channel_axis=-1)
    with pytest.raises(ValueError, match="unrolled takes no PSF of 3 axes; hyper-laplacian, total-variation, wiener"):
        deblur.restore(np.zeros((20, 20, 20)), psf.gaussian((1, 1, 1)), method="unrolled")
    for shape, blur in (((20,) * 3, psf.gaussian((1, 1, 1))), ((20, 20), Convolution(kernel, (20, 20), "reflect"))):
        with pytest.raises(ValueError, match="saturation goes with one point-spread function of two axes"):
            deblur.restore(np.ones(shape), blur, saturation=0.9)
    with pytest.raises(ValueError, match="defocus estimates the PSF itself: leave psf out"):
        deblur.restore(image, kernel, method="defocus")


def test_an_estimated_psf_leaves_the_method_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a PSF each option goes to the method that has it: the one that estimates, or the one that restores."""
    image, kernel = np.random.default_rng(0).random((32, 32)), psf.gaussian((1, 1))

    def estimate(image, psf_shape="auto", *, noise_level=None, channel_axis=None, encoded=False, progress=None):
        assert psf_shape == (9, 9)
        return deblur.Restoration(image, kernel, 0.1, "blind", 0.0, confidence=0.7)

    monkeypatch.setitem(find_method("blind").__dict__, "function", estimate)
    made = deblur.restore(image, method="richardson-lucy", num_iter=2, tolerance=0, psf_shape=(9, 9))
    expected = deblur.restore(image, kernel, method="richardson-lucy", num_iter=2, tolerance=0)
    np.testing.assert_array_equal(made.image, expected.image)
    assert made.confidence == 0.7
    with pytest.raises(TypeError, match="wiener with blind has no option 'num_iter'"):
        deblur.restore(image, method="wiener", num_iter=3)
    with pytest.raises(ValueError, match="blind finds clipped samples itself: leave saturation out"):
        deblur.restore(image, saturation=0.9)


def test_the_kind_of_a_blur_chooses_the_method_that_estimates_it(monkeypatch: pytest.MonkeyPatch) -> None:
    image, kernel = np.random.default_rng(0).random((32, 32)), psf.disk(2)

    def estimate(image, *, noise_level=None, channel_axis=None, encoded=False, progress=None):
        return deblur.Restoration(image, kernel, 0.1, "", 0.0, confidence=0.9, details={"encoded": encoded})

    monkeypatch.setitem(find_method("defocus").__dict__, "function", estimate)
    assert deblur.restore(image, blur="focus").method == "defocus"
    with pytest.raises(ValueError, match=r"blur .* is unknown"):
        deblur.restore(image, blur=["focus"])  # type: ignore[arg-type]
    by_wiener = deblur.restore(image, blur="focus", method="wiener")
    np.testing.assert_array_equal(by_wiener.image, deblur.restore(image, kernel, method="wiener").image)
    assert (by_wiener.method, by_wiener.confidence) == ("wiener", 0.9)
    with pytest.raises(ValueError, match="blur 'fokus' is unknown; did you mean 'focus'"):
        deblur.restore(image, blur="fokus")
    with pytest.raises(ValueError, match="blur is for a PSF that is estimated: leave blur or psf out"):
        deblur.restore(image, kernel, blur="focus")
    with pytest.raises(ValueError, match="blur 'focus' is for method 'defocus', not for 'motion'"):
        deblur.restore(image, method="motion", blur="focus")


@pytest.mark.parametrize(
    ("dtype", "options", "encoded"),
    [("uint8", {}, True), ("uint16", {}, True), ("float32", {}, False), ("uint8", {"linear": False}, False)],
)
def test_photographs_of_integers_are_encoded(
    monkeypatch: pytest.MonkeyPatch, dtype: str, options: dict, encoded: bool
) -> None:
    def estimate(image, *, noise_level=None, channel_axis=None, encoded=False, progress=None):
        return deblur.Restoration(image, psf.disk(2), 0.1, "", 0.0, details={"encoded": encoded})

    monkeypatch.setitem(find_method("defocus").__dict__, "function", estimate)
    picture = Photo(np.random.default_rng(0).random((32, 32, 3)).astype(np.float32), -1, dtype=np.dtype(dtype))
    made = deblur.restore_photo(picture, blur="focus", kind="photo", **options)
    assert made.details["encoded"] == encoded
    array = deblur.restore(np.random.default_rng(0).integers(0, 255, (32, 32), np.uint8), blur="focus")
    assert not array.details["encoded"]


FILE = '''"""A toy."""
from deblur._core.arrays import as_float_tensor


def toy(image, psf, *, noise_level=None, channel_axis=None, ndim=None, progress=None):
    """Double the image."""
    y, to_input_kind = as_float_tensor(image, "image")
    return to_input_kind(2 * y)
'''
WALK = """
import sys
import numpy as np, deblur
from deblur.photo import Photo
image, kernel = np.random.default_rng(0).random((40, 40), dtype=np.float32), deblur.psf.gaussian((1, 1))
double = lambda x: np.testing.assert_allclose(x, 2 * image, rtol=1e-6)
double(deblur.restore(image, kernel, method="toy").image)
out = np.empty_like(image)
deblur.restore_large(image, kernel, out, method="toy", window=(30, 30)); double(out)
double(deblur.restore_photo(Photo(image), kernel, method="toy", linear=False, saturation=None).image)
from deblur.napari._planes import restore_array
double(restore_array(image, kernel, "toy", is_color=False, advance=lambda fraction: None)[0])
import deblur.dask
double(deblur.dask.restore(image, kernel, method="toy").compute())
from deblur.benchmark import method
assert method("toy").label == "toy"
from deblur.cli._settings import Settings, method_help
assert "toy" in method_help() and Settings.parse("toy", "auto", None, None).method == "toy"
assert deblur.methods()["toy"] == "twice the image"
"""


def test_a_new_method_takes_its_file_its_stub_and_its_row(tmp_path: Path) -> None:
    tree = tmp_path / "deblur"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    (tree / "nonblind" / "_toy.py").write_text(FILE)
    stub = tree / "nonblind" / "__init__.pyi"
    stub.write_text(stub.read_text() + "from ._toy import toy as toy\n")
    registry = tree / "restoration" / "_registry.py"
    row = '    Method("toy", "deblur.nonblind.toy", "twice the image"),\n'
    registry.write_text(registry.read_text().replace("ROWS = (\n", "ROWS = (\n" + row))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", WALK], check=True, env=environment, cwd=tmp_path, timeout=300)
