import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from deblur import photo, psf
from deblur.operators import Convolution

Run = Callable[..., subprocess.CompletedProcess[str]]

BLUR = "motion:length=9,angle=30"


@pytest.fixture(scope="session")
def command() -> str:
    """The path of the installed command."""
    path = shutil.which("deblur", path=str(Path(sys.executable).parent))
    assert path, "the command is not installed beside this Python: pip install -e ."
    return path


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "80"}


@pytest.fixture
def run(command: str, environment: dict[str, str], tmp_path: Path) -> Run:
    """Run the command in `tmp_path`, and check its exit code."""

    def run(*arguments: str | Path, code: int = 0, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [command, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr or done.stdout
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def sharp() -> np.ndarray:
    """A color photograph: sRGB, 120 x 100."""
    return data.cat()[90:210, 130:230].astype(np.float32) / 255


@pytest.fixture(scope="session")
def blurred(sharp: np.ndarray) -> np.ndarray:
    """It, blurred by BLUR in linear light, with noise of 0.5 %."""
    light = np.moveaxis(photo.to_linear(sharp), -1, 0)
    light = Convolution(psf.parse(BLUR), light.shape[1:], "reflect")(light)
    noise = np.random.default_rng(0).normal(0, 0.005, sharp.shape)
    return (photo.from_linear(np.moveaxis(light, 0, -1)) + noise).clip(0, 1).astype(np.float32)
