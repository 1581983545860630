"""Methods by name: parsed, not evaluated; wrong names suggest the right ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import deblur.nonblind
from deblur.benchmark import _methods
from deblur.benchmark._methods import method, method_names
from deblur.restoration._registry import ROWS
from deblur.restoration._registry import Method as Row

from .toy import observe


@pytest.mark.parametrize("name", method_names())
def test_every_method_restores_gray_and_color(name: str) -> None:
    sample = observe("im1", "psf2", 0.01)
    for attempt in method(name).tries[:2]:
        assert attempt(sample).image.shape == sample.blurred.shape
    color = sample._replace(blurred=np.stack([sample.blurred] * 3, axis=-1), channel_axis=2)
    gray, three = (method(name).tries[0](each).image for each in (sample, color))
    assert three.shape == color.blurred.shape
    # The samples of one are drawn for the batch, the others take three channels for a color picture.
    together = {"total_variation", "hyper_laplacian", "unrolled", "plug_and_play", "adm", "fused"}
    if name not in together | {"unsupervised_wiener"} and not method(name).blind:
        np.testing.assert_allclose(three[..., 1], gray, atol=2e-3)


def test_every_method_of_the_library_can_be_benchmarked() -> None:
    names = {name for name in method_names() if "." not in name} - {"blurred"}
    complete = [
        row for row in ROWS if not row.required
    ]  # the others need an option, as blind_richardson_lucy(psf_shape=9)
    assert names == {row.name.replace("-", "_") for row in complete}
    assert {name for name in names if method(name).blind} == {
        row.name.replace("-", "_") for row in complete if row.blind
    }


def test_a_method_computes_on_the_device_and_is_labeled_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = observe("im1", "psf2", 0.01)
    expected = method("wiener").tries[0](sample).image
    np.testing.assert_array_equal(method("wiener", device="auto").tries[0](sample).image, expected)
    monkeypatch.setattr(_methods, "resolve_device", lambda device: torch.device("meta"))
    there = method("wiener(balance=0.1)", device="cuda")
    assert there.label == "wiener(balance=0.1) on meta"
    with pytest.raises(NotImplementedError, match="meta"):  # the device without memory: nothing can be copied back
        there.tries[0](sample)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(ValueError, match="device 'abacus' is not on this machine"):
        method("wiener", device="abacus")


def test_options_reach_the_method() -> None:
    sample = observe("im1", "psf2", 0.01)
    found = method(" richardson_lucy( num_iter = 3, noise_level=0.02 ) ")
    assert found.label == "richardson_lucy(noise_level=0.02, num_iter=3)"
    expected = deblur.nonblind.richardson_lucy(sample.blurred, sample.psf, num_iter=3, noise_level=0.02)
    np.testing.assert_array_equal(found.tries[0](sample).image, expected)


def test_skimage_wiener_tries_every_balance_unless_given_one() -> None:
    assert len(method("skimage.wiener").tries) == len(_methods.BALANCES)
    assert len(method("skimage.wiener(balance=0.1)").tries) == 1


def test_a_circular_protocol_tells_the_boundary_and_options_override_it() -> None:
    sample = observe("im1", "psf2", 0.01)._replace(boundary="circular")
    expected = deblur.nonblind.wiener(sample.blurred, sample.psf, boundary="circular")
    np.testing.assert_array_equal(method("wiener").tries[0](sample).image, expected)
    other = method("wiener(boundary='unknown')").tries[0](sample).image
    assert np.abs(other - expected).max() > 1e-3


def test_a_blind_method_gets_no_psf(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row("toy-blind", "tests.benchmark.toy.estimate_box", "Estimates a box", blind=True)
    monkeypatch.setattr(_methods, "find_method", lambda name: row)
    found = method("toy_blind(size=5)")
    assert found.blind
    restored = found.tries[0](observe("im1", "psf1", 0.0))
    assert restored.psf is not None
    assert restored.psf.shape == (5, 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("richardson_lucie", "got 'richardson_lucie'; did you mean 'richardson_lucy'?"),
        ("zzz", "there are blurred, "),
        ("wiener(balanc=1)", "wiener has no option 'balanc'; did you mean 'balance'?"),
        ("blurred(x=1)", "blurred has no option 'x'; it has none"),
        ("skimage.wiener(clip=True)", "skimage.wiener has no option 'clip'; there are balance, reg"),
        ("wiener(image=1)", "wiener has no option 'image'"),
        ("wiener(0.1)", "method must be a name, or a name with literal options"),
        ("wiener(**{})", "method must be a name"),
        ("wiener(balance=open('x'))", "method must be a name"),
        ("wiener(balance=", "method must be a name"),
        ("", "method must be a name"),
        ("1 + 1", "method must be a name"),
        ("a()()", "method must be a name"),
    ],
)
def test_bad_specifications(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        method(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


OWN = """
import numpy as np

def halved(blurred, psf, boundary, factor=0.5):
    assert psf.ndim == 2 and boundary == "unknown" and blurred.ndim == 2
    return factor * blurred

def guessed(blurred):
    return blurred, np.ones((1, 1))

def together(blurred, channel_axis):
    return blurred + channel_axis

def spoils(blurred, psf):
    psf *= 0
    return blurred

def imaginary(blurred):
    return 1j * blurred

def gives_up(blurred):
    raise SystemExit(3)
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def test_a_method_of_ones_own_gets_what_it_asks_for(own: Path) -> None:
    sample = observe("im1", "psf2", 0.01)._replace(boundary="unknown")
    halved, quartered, guessed = (method(f"{own}:{call}") for call in ("halved", "halved(factor=.25)", "guessed"))
    np.testing.assert_array_equal(halved.tries[0](sample).image, 0.5 * sample.blurred)
    np.testing.assert_array_equal(quartered.tries[0](sample).image, 0.25 * sample.blurred)
    assert quartered.label.startswith(f"{own}:halved(factor=0.25) #")
    assert not halved.blind
    assert guessed.blind
    np.testing.assert_array_equal(guessed.tries[0](sample).psf, np.ones((1, 1)))


def test_a_method_of_ones_own_restores_color(own: Path) -> None:
    sample = observe("im1", "psf2", 0.01)._replace(boundary="unknown")
    color = sample._replace(blurred=np.stack([sample.blurred] * 3, axis=-1), channel_axis=2)
    np.testing.assert_array_equal(method(f"{own}:halved").tries[0](color).image, 0.5 * color.blurred)
    np.testing.assert_array_equal(method(f"{own}:together").tries[0](color).image, color.blurred + 2)
    method(f"{own}:spoils").tries[0](color)
    assert color.psf.sum() > 0


def test_a_method_of_ones_own_that_fails_does_not_end_the_benchmark(own: Path) -> None:
    sample = observe("im1", "psf2", 0.01)
    with pytest.raises(TypeError, match="must return real numbers, got complex64"):
        method(f"{own}:imaginary").tries[0](sample)
    with pytest.raises(RuntimeError, match="it ended the program with 3"):
        method(f"{own}:gives_up").tries[0](sample)


def test_a_file_of_ones_own_may_import_its_neighbors_and_have_dataclasses(own: Path) -> None:
    (own.parent / "neighbor_of_own.py").write_text("FACTOR = 2")
    lines = ["from __future__ import annotations", "from dataclasses import dataclass", "import neighbor_of_own"]
    own.write_text("\n".join([*lines, "@dataclass", "class A:", "    x: int", "def f(blurred):", "    return blurred"]))
    assert method(f"{own}:f").blind


def test_scores_of_a_method_of_ones_own_are_kept_while_its_file_stays_the_same(own: Path) -> None:
    before = method(f"{own}:halved")
    assert before.label == method(f"{own}:halved").label
    own.write_text(OWN + "\n")
    assert method(f"{own}:halved").label != before.label


@pytest.mark.parametrize(
    ("change", "call", "error", "message"),
    [
        ("", "missing", ValueError, "has no function 'missing'; it has halved, guessed, together, spoils"),
        ("", "halved(strength=1)", ValueError, "halved has no option 'strength'"),
        ("import nothing_of_the_kind", "halved", ValueError, "cannot be imported: ModuleNotFoundError"),
        ("syntax error", "halved", ValueError, "cannot be imported: SyntaxError"),
        (None, "halved", FileNotFoundError, "does not exist"),
    ],
)
def test_a_wrong_method_of_ones_own(
    own: Path, change: str | None, call: str, error: type[Exception], message: str
) -> None:
    if change is None:
        own.unlink()
    else:
        own.write_text(OWN + change)
    with pytest.raises(error, match=message):
        method(f"{own}:{call}")
