"""One fit in two processes, started by torchrun, is the fit in one."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import nmf

dist = pytest.importorskip("torch.distributed", reason="this torch has no torch.distributed")
if not dist.is_available() or not dist.is_gloo_available():
    pytest.skip("this torch has no gloo", allow_module_level=True)

SHAPE, SCRIPT = (12, 70), Path(__file__).with_name("fit_in_processes.py")
RNG = np.random.default_rng(0)
V = torch.from_numpy(RNG.gamma(0.5, 2.0, SHAPE) + 0.01)
BATCH = torch.from_numpy(RNG.gamma(0.5, 2.0, (2, *SHAPE)) + 0.01)
W, H = (torch.from_numpy(RNG.random(shape) + 0.1) for shape in ((SHAPE[0], 3), (3, SHAPE[1])))
HALF_KNOWN = torch.from_numpy((RNG.random(SHAPE) > 0.5).astype(float))
FIT = {"max_iter": 20, "check_every": 2, "tol": 0}


def case(data=V, activations=H, templates=W, **options):
    given = {} if templates is None else {"W": templates}
    return {"V": data, "H": activations, **given, "fit": FIT | options}


EQUAL = {
    **{f"mm {beta}": case(beta=beta, solver="mm") for beta in (-1, 0, 0.5, 1, 1.5, 2, 3)},
    **{f"extrapolated {beta}": case(beta=beta, solver="extrapolated") for beta in (0, 1, 2)},
    "hals": case(beta=2, solver="hals"),
    "hals, penalties": case(beta=2, solver="hals", l1_W=0.2, l2_H=0.3, l1_H=0.1),
    "penalties": case(beta=1, l1_W=0.3, l2_W=0.1, l1_H=0.2, l2_H=0.1, orthogonal_W=0.2),
    "mask": case(beta=1, mask=HALF_KNOWN),
    "weights": case(beta=2, weights=HALF_KNOWN + 0.5),
    "frozen": case(beta=1, freeze_W=[True, False, False]),
    "only W": case(beta=1) | {"module": {"trainable_H": False}},
    "only H": case(beta=1) | {"module": {"trainable_W": False}},
    "batch": case(BATCH, torch.stack([H, 2 * H]), torch.stack([W, W.flip(0)]), beta=1),
    "batch, hals": case(BATCH, torch.stack([H, 2 * H]), W, beta=2) | {"module": {"share_W": True}},
    "sparse": case(torch.where(V > 1, V, 0.0).to_sparse(), beta=1),
    "converges": case(beta=1, tol=1e-3, max_iter=500),
    "unit": case(1e6 * V, 1e6 * H, beta=0.5),
}
ERRORS = {
    "smooth_H": (case(smooth_H=1.0), "smooth_H"),
    "convolutive": (case() | {"kind": "NMFD", "W": W[..., None]}, "process_group is for nmf.NMF"),
    "beta": (case() | {"only in the last": {"beta": 2.0}}, "beta must be the same in all processes"),
    "penalty": (case() | {"only in the last": {"l1_W": 2.0}}, "penalties must be the same"),
    "solver": (case(beta=2) | {"only in the last": {"solver": "mm"}}, "solver must be the same"),
}


def in_one_process(one):
    data = one["V"] if torch.is_tensor(one["V"]) else np.load(one["V"])
    module = nmf.NMF(W=one["W"], H=one["H"], **one.get("module", {}))
    result = module.fit(data, **one["fit"])
    return {"W": module.W.detach(), "H": module.H.detach(), "history": result.history, "n_iter": result.n_iter}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("distributed")


@pytest.fixture(scope="module")
def stored(folder):
    np.save(folder / "V.npy", V)
    return case(str(folder / "V.npy"), beta=1)


@pytest.fixture(scope="module")
def found(folder, stored):
    """The results of each of two processes in each case."""
    cases = EQUAL | {name: each for name, (each, _) in ERRORS.items()}
    cases |= {"stored": stored, "drawn": case(templates=None, beta=1), "callback": case(beta=1) | {"callback": True}}
    torch.save(cases, folder / "cases.pt")
    torchrun = shutil.which("torchrun", path=str(Path(sys.executable).parent))
    assert torchrun, "torchrun is not installed with this Python"
    command = [torchrun, "--standalone", "--nproc-per-node=2", SCRIPT, folder / "cases.pt", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(2)]


def check_equal(parts, expected):
    assert torch.equal(parts[0]["W"], parts[1]["W"])
    joined = {"W": parts[0]["W"], "H": torch.cat([part["H"] for part in parts], -1), "history": parts[0]["history"]}
    for name, value in joined.items():
        torch.testing.assert_close(value, expected[name], rtol=1e-6, atol=1e-9, msg=lambda text, n=name: f"{n}: {text}")
    assert [part["n_iter"] for part in parts] == 2 * [expected["n_iter"]]


@pytest.mark.parametrize("name", EQUAL)
def test_two_processes_give_the_result_of_one(name, found):
    check_equal([part[name] for part in found], in_one_process(EQUAL[name]))


def test_each_process_may_read_its_columns_from_disk(found, stored):
    check_equal([part["stored"] for part in found], in_one_process(stored))


def test_random_templates_are_those_of_the_first_process_scaled_to_all_columns(found):
    module = nmf.NMF(SHAPE, 3, H=H, seed=0, dtype=torch.float64)
    result = module.fit(V, 1, **FIT)
    expected = {"W": module.W.detach(), "H": module.H.detach(), "history": result.history, "n_iter": result.n_iter}
    check_equal([part["drawn"] for part in found], expected)


def test_where_one_callback_stops_all_processes_do(found):
    assert [part["callback"]["n_iter"] for part in found] == [6, 6]


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_raised_in_every_process(name, found):
    for part in found:
        assert ERRORS[name][1] in part[name]["error"]
