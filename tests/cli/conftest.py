import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data

from deblur import photo, psf
from deblur.operators import Convolution
from tests.commands import ENVIRONMENT, Commands, Process, installed

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., Process | subprocess.Popen[Any]]

BLUR = "motion:length=9,angle=30"
TERMINAL = {"TERM": "xterm", "LANG": "C.UTF-8"}


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The variables of every command; a test may change them."""
    return dict(ENVIRONMENT)


@pytest.fixture(scope="session")
def commands() -> Iterator[Commands]:
    """The installed command."""
    yield installed()
    installed().close()


@pytest.fixture
def start(commands: Commands, environment: dict[str, str], tmp_path: Path) -> Start:
    """Start the command in `tmp_path`; see `Commands.start`."""

    def start(
        *arguments: str | Path, cwd: Path = tmp_path, variables: Mapping[str, str] | None = None, **options: Any
    ) -> Process | subprocess.Popen[Any]:
        return commands.start(arguments, cwd=cwd, environment=environment | dict(variables or {}), **options)

    return start


@pytest.fixture
def run(start: Start) -> Run:
    """Run the command in `tmp_path`, and check its exit code."""

    def run(*arguments: str | Path, code: int = 0, **options: Any) -> subprocess.CompletedProcess[str]:
        process = start(*arguments, text=True, **options)
        stdout, stderr = process.communicate()
        assert process.returncode == code, stderr or stdout
        assert "Traceback" not in stderr
        return subprocess.CompletedProcess(arguments, code, stdout, stderr)

    return run


@pytest.fixture(scope="session")
def sharp() -> np.ndarray:
    """A color photograph: sRGB, 120 x 100."""
    return data.cat()[90:210, 130:230].astype(np.float32) / 255


@pytest.fixture(scope="session")
def blurred(sharp: np.ndarray) -> np.ndarray:
    """`sharp` blurred by BLUR in linear light, with noise of 0.5 %."""
    light = np.moveaxis(photo.to_linear(sharp), -1, 0)
    light = Convolution(psf.parse(BLUR), light.shape[1:], "reflect")(light)
    noise = np.random.default_rng(0).normal(0, 0.005, sharp.shape)
    return (photo.from_linear(np.moveaxis(light, 0, -1)) + noise).clip(0, 1).astype(np.float32)
