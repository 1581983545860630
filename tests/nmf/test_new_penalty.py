"""A new penalty takes three edits: a copy of the package gets one in exactly that way, and fits with it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nmf.objective.penalties import TERMS, Penalties, Penalty, Slope

ROOT = Path(__file__).parents[2]

ROW = """    # A cubic penalty, for the test.
    "cubic": Term(3, lambda x, axis: x**3 / 3, lambda x, axis: (None, x.square())),
"""
FIT, TRANSFORM = "def fit(", "def transform("

USE = """
import torch, nmf
from nmf.fit.problem import Problem
from nmf.objective.penalties import Penalties

V = torch.rand(12, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.1
models = [nmf.NMF(V.shape, 3, seed=0, dtype=torch.float64) for _ in range(2)]
result = models[1].fit(V, solver="mm", cubic_H=0.5, l2_W=0.1, tol=0, check_every=1, max_iter=50)
assert (result.history.diff() <= 0).all()  # the majorizer with a power of 2 is monotone as well
models[0].fit(V, solver="mm", l2_W=0.1, tol=0, max_iter=50)
plain, penalized = (float((model.H.detach() ** 3).sum()) for model in models)
assert penalized < 0.9 * plain, (plain, penalized)
assert not torch.equal(models[1].transform(V, cubic_H=5.0), models[1].transform(V))
fits = []
for unit in (1.0, 8.0):  # in another unit of V the weight changes with the power of the term
    model = nmf.NMF(W=models[0].W.detach(), H=unit * models[0].H.detach())
    weights = {"cubic_H": 0.5 * unit ** (1 - 3), "l2_W": 0.1 * unit}
    model.fit(unit * V, solver="mm", tol=0, check_every=1, max_iter=50, **weights)
    fits.append(model)
torch.testing.assert_close(fits[1].H, 8 * fits[0].H)
torch.testing.assert_close(fits[1].W, fits[0].W)
hals = {"beta": 2, "solver": "hals", "cubic_H": 1.0}
for options, message in (({"cubic_H": -1.0}, "cubic_H must be finite"), (hals, "not for cubic_H")):
    try:
        models[0].fit(V, **options)
    except ValueError as error:
        assert message in str(error), error
    else:
        raise AssertionError(message)
print("fits")
"""


def edited(path: Path, *edits: tuple[str, str, str]) -> None:
    """Insert text before the first occurrence of an anchor after a start."""
    text = path.read_text()
    for start, anchor, new in edits:
        at = text.index(anchor, text.index(start))
        text = text[:at] + new + text[at:]
    path.write_text(text)


def test_a_penalty_takes_three_edits(tmp_path):
    for package in ("nmf", "deblur"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "weights", "*.npz")
        )
    # 1. its row
    edited(tmp_path / "nmf/objective/penalties.py", ("TERMS = {", "}\n", ROW))
    factorize = tmp_path / "nmf/fit/factorize.py"
    # 2. its keyword in fit, and 3. in transform
    edited(
        factorize,
        (FIT, "smooth_H: float", "cubic_H: float = 0.0,\n    "),
        (FIT, "smooth_H=smooth_H", "cubic_H=cubic_H, "),
    )
    edited(
        factorize,
        (TRANSFORM, "smooth_H: float", "cubic_H: float = 0.0,\n    "),
        (TRANSFORM, "smooth_H=smooth_H", "cubic_H=cubic_H, "),
    )
    done = subprocess.run(
        [sys.executable, "-c", USE],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "fits\n", done.stderr


@pytest.mark.parametrize("name", TERMS)
def test_every_term_is_majorized(name):
    """The majorizer touches the term at the present factor, and lies above it everywhere else."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(3, 6, dtype=torch.float64, generator=generator) + 0.1
    penalty, zero = Penalty(**{name: 0.7}), torch.zeros_like(x)
    down, up, low, high = penalty.add_to(Slope(zero, zero, 0.0, 0.0), x, 0)

    def majorizer(ratio):
        # The integral over the ratio of -down r**low + up r**high, times the factor.
        integral = up * (ratio ** (high + 1) - 1) / (high + 1) - down * (ratio ** (low + 1) - 1) / (low + 1)
        return float((x * integral).sum() + penalty.value(x, 0, 0))

    for _ in range(20):
        ratio = torch.exp(torch.randn(x.shape, dtype=torch.float64, generator=generator))
        assert majorizer(ratio) >= float(penalty.value(x * ratio, 0, 0)) * (1 - 1e-12)
    assert majorizer(torch.ones_like(x)) == pytest.approx(float(penalty.value(x, 0, 0)))


def test_keywords_name_term_and_factor():
    penalties = Penalties.from_keywords(l1_W=0.1, smooth_H=0.0, l2_H=2.0)
    assert penalties.weights() == {"l1_W": 0.1, "l2_H": 2.0}
    with pytest.raises(ValueError, match="l1_W must be finite and not negative"):
        Penalties.from_keywords(l1_W=float("nan"))
    with pytest.raises(TypeError, match="penalties must be of l1, l2"):
        Penalties.from_keywords(cubic_H=1.0)
