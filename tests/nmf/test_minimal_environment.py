"""Fits need torch, numpy, scipy and lazy-loader only; other missing packages are named with an install command."""

import subprocess
import sys

import pytest

FENCE = """
import importlib.metadata, re, sys

def closure(names):
    # The distributions that these require, without extras.
    found, open_names = set(), [re.sub(r"[-_.]+", "-", name).lower() for name in names]
    while open_names:
        name = open_names.pop()
        if name in found:
            continue
        try:
            requirements = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # only needed elsewhere
        found.add(name)
        plain = [line for line in requirements if "extra ==" not in line]
        open_names += [re.sub(r"[-_.]+", "-", re.match(r"[\\w.-]+", line)[0]).lower() for line in plain]
    return found

ALLOWED = closure(["torch", "numpy", "scipy", "lazy-loader"])
OWN = {"nmf", "deblur"}
REFUSED = {
    module
    for module, distributions in importlib.metadata.packages_distributions().items()
    if module not in OWN and not any(re.sub(r"[-_.]+", "-", d).lower() in ALLOWED for d in distributions)
}

class Fence:
    # Finders that see what a plain environment would have.
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in REFUSED:
            return None
        return self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = [Fence(finder) for finder in sys.meta_path]
"""

FITS = """
import numpy as np, torch, nmf
V = np.random.default_rng(0).random((6, 20)) + 0.1
for model in (nmf.NMF(V.shape, 2, seed=0), nmf.NMFD(V.shape, 2, 3, seed=0), nmf.PLCA(V.shape, 2, seed=0),
              nmf.SIPLCA(V.shape, 2, 3, seed=0)):
    assert model.fit(V, max_iter=5).n_iter == 5
model = nmf.NMF(V.shape, 2, seed=0)
model.fit(V, 2, l1_W=0.1)
model.partial_fit(V)
model.sparse_fit(V, sH=0.4, max_iter=3)
assert model.transform(V).shape == (2, 20)
model.fit(torch.from_numpy(V).to_sparse(), max_iter=3)
nmf.BetaMu(model.parameters()).step(lambda: (torch.from_numpy(V), model()))
for start in (nmf.initialize.random, nmf.initialize.nndsvd, nmf.initialize.kmeans):
    start(V, 2, seed=0)
nmf.compat.torchnmf.nmf.NMF(V.shape, 2).fit(torch.from_numpy(V).float(), max_iter=3)
y = np.random.default_rng(0).standard_normal(2000)
nmf.audio.separate(y, 8000, 2, transform=nmf.audio.Spectrogram(128, 32), max_iter=3, device="auto")
print(sorted(REFUSED & {name.partition(".")[0] for name in sys.modules}))
"""


def run(code: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", FENCE + code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_fit_needs_four_packages_only():
    done = run(FITS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_fence_refuses_other_packages():
    done = run("import pytest")
    assert done.returncode == 1
    assert "ModuleNotFoundError: No module named 'pytest'" in done.stderr


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import nmf; nmf.audio.read('a.wav')", "reading and writing sound files needs soundfile: pip install "),
        ("import nmf; nmf.sklearn.NMF", "nmf.sklearn needs sklearn: pip install "),
        ("import nmf.cli", "python -m nmf needs typer: pip install typer"),
    ],
)
def test_missing_packages_are_named_with_how_to_install_them(code, message):
    error = run(code).stderr.splitlines()[-1]
    assert message in error
    assert "pip install 'deblur-toolkit" not in error  # it is not on the package index


def test_the_command_says_what_it_needs_in_one_line():
    done = run("import runpy; sys.argv = ['nmf', '--help']; runpy.run_module('nmf', run_name='__main__')")
    assert done.returncode == 2
    assert done.stderr == "nmf: python -m nmf needs typer: pip install typer\n"
