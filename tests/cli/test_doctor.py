"""`deblur doctor` and `python -m deblur`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import deblur
from deblur.cli import _doctor

from .conftest import Run


def test_the_report_is_complete_and_the_self_test_passes(run: Run) -> None:
    report = json.loads(run("doctor", "--json", "--device", "cpu").stdout)
    assert report["deblur"] == deblur.__version__
    assert report["packages"]["torch"]
    assert report["device"] == "cpu"
    assert report["free_memory"] > 2**20
    assert report["threads"] >= 1
    assert {"web", "zarr", "dask", "onnx"} <= set(report["extras"])
    assert len(report["checks"]) == 4
    assert all(check["passed"] for check in report["checks"].values()), report["checks"]


def test_a_check_that_fails_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(device: str) -> tuple[str, bool]:
        raise OSError("the weights are gone")

    checks = {
        "adjoint": lambda device: ("relative error 1", False),
        "network": broken,
        "all right": lambda _: ("", True),
    }
    monkeypatch.setattr(_doctor, "CHECKS", checks)
    assert _doctor.run_doctor("cpu", as_json=False) == 1
    shown = capsys.readouterr().out
    assert "FAILED  adjoint: relative error 1" in shown
    assert "FAILED  network: OSError: the weights are gone" in shown
    assert "passed  all right" in shown


def test_an_extra_is_missing_if_one_of_its_packages_is() -> None:
    assert _doctor._missing(("numpy>=1", "nothing-of-that-name[extra]>=2")) == ["nothing-of-that-name[extra]>=2"]


def test_a_device_that_is_not_here_is_refused(run: Run) -> None:
    assert run("doctor", "--device", "no_device", code=2).stderr.startswith("deblur: device 'no_device' is not on this")


def test_python_runs_the_package(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "deblur", "-V"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"deblur {deblur.__version__}\n", "")
