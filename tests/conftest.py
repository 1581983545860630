import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# The workers share the cores; more threads only get in each other's way. Libraries read this when they are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
import torch
from hypothesis import settings

# The same examples on every machine, however slow: a commit that passed passes again.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

if "PYTEST_XDIST_WORKER" in os.environ:
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


@pytest.fixture(scope="session", autouse=True)
def offline() -> Iterator[None]:
    """Refuse connections to other machines: no test may download anything."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] != "localhost":
            host = ipaddress.ip_address(address[0])
            if not (host.is_loopback or host.is_unspecified):
                raise OSError(f"the tests use no network, and do not connect to {host}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        yield
