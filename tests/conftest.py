import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

# The same examples on every machine, however slow: a commit that passed passes again.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores; more threads only get in each other's way
    torch.set_num_threads(1)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data, where there is one."""
    folder = os.environ.get("DEBLUR_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real data: set DEBLUR_DATA to a folder that has them")
    return Path(folder)
