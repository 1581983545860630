"""Fits to data on disk equal fits to data in memory, and do not load them."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import nmf
from nmf.data import stored as stored_data

SHAPE = (30, 250)


@pytest.fixture
def V(rng):
    return rng.gamma(0.5, 2.0, SHAPE) + 0.01


KINDS = ["memmap", "slice of a memmap", "16-bit memmap", "zarr", "zarr in wide chunks", "dask"]


@pytest.fixture
def stored(request, V, tmp_path, monkeypatch):
    """V on disk, read in blocks of 40 columns."""
    monkeypatch.setattr(stored_data, "_BLOCK", 40 * SHAPE[0] * 8)
    if "memmap" in request.param:
        whole = np.pad(V, ((0, 0), (7, 0))) if "slice" in request.param else V
        whole = np.rint(100 * whole + 1).astype(np.uint16) if "16" in request.param else whole
        np.save(tmp_path / "V.npy", whole)
        array = np.load(tmp_path / "V.npy", mmap_mode="r")
        return array[:, 7:] if "slice" in request.param else array
    zarr = pytest.importorskip("zarr", reason="the package zarr")
    chunks = (11, 200) if "wide" in request.param else (30, 16)
    array = zarr.create_array(tmp_path / "V.zarr", data=V, chunks=chunks)
    if request.param == "dask":
        return pytest.importorskip("dask.array", reason="the extra dask").from_zarr(array)
    return array


@pytest.mark.parametrize(
    ("stored", "beta"),
    [*((kind, 1) for kind in KINDS), *(("memmap", beta) for beta in (0, 0.5, 1.5, 2, 3))],
    indirect=["stored"],
)
def test_data_on_disk_give_the_results_of_data_in_memory(stored, beta):
    on_disk, in_memory = (nmf.NMF(SHAPE, 3, seed=0, dtype=torch.float64) for _ in range(2))
    array = np.array(stored)
    options = {"solver": "extrapolated", "max_iter": 10, "check_every": 5, "tol": 0, "l1_H": 0.1, "smooth_H": 0.1}
    expected, found = in_memory.fit(array, beta, **options), on_disk.fit(stored, beta, **options)
    torch.testing.assert_close(found.history, expected.history, rtol=1e-9, atol=0)
    torch.testing.assert_close(on_disk.W, in_memory.W, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(on_disk.H, in_memory.H, rtol=1e-6, atol=1e-9)
    H = on_disk.transform(stored, beta, max_iter=5)
    assert isinstance(H, np.ndarray)
    np.testing.assert_allclose(H, in_memory.transform(array, beta, max_iter=5, solver="extrapolated"), rtol=1e-5)


@pytest.mark.parametrize("stored", ["memmap"], indirect=True)
def test_every_way_to_fit_takes_data_on_disk(stored):
    for name, options in [("partial_fit", {"max_iter": 5}), ("sparse_fit", {"sH": 0.3, "max_iter": 5})]:
        on_disk, in_memory = (nmf.NMF(SHAPE, 3, seed=0, dtype=torch.float64) for _ in range(2))
        for module, array in ((on_disk, stored), (in_memory, np.array(stored))):
            getattr(module, name)(array, 1, **options)
        torch.testing.assert_close(on_disk.W, in_memory.W, rtol=1e-6, atol=1e-9)


def test_blocks_hold_whole_chunks_or_at_most_the_block_size(V, tmp_path, monkeypatch):
    zarr = pytest.importorskip("zarr", reason="the package zarr")
    monkeypatch.setattr(stored_data, "_BLOCK", 40 * SHAPE[0] * 8)
    for chunks, width in (((30, 16), 32), ((11, 200), 40)):
        array = zarr.create_array(tmp_path / "V.zarr", data=V, chunks=chunks, overwrite=True)
        blocks = list(stored_data.StoredMatrix(array, 1, torch.ones(1)).blocks())
        assert max(block.shape[1] for _, block in blocks) == width
        np.testing.assert_allclose(torch.cat([block for _, block in blocks], 1), V)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda V: V, {"mask": np.ones(SHAPE)}, "takes no mask"),
        (lambda V: V, {"weights": np.ones(SHAPE)}, "takes no mask and no weights"),
        (lambda V: V, {"beta": 2, "solver": "hals"}, "data on disk"),
        (lambda V: V[:20], {}, "the shape given at construction"),
        (lambda V: V.reshape(2, 15, 250), {}, "one matrix"),
        (lambda V: np.where(V.max() - 1 < V, np.nan, V), {}, "NaN"),
        (lambda V: V - 1, {}, "must not be negative"),
        (lambda V: np.floor(V), {"beta": 0}, "V has zeros"),
    ],
)
def test_unsupported_options_raise(V, tmp_path, change, options, message):
    np.save(tmp_path / "V.npy", change(V))
    with pytest.raises(ValueError, match=message):
        nmf.NMF(SHAPE, 3).fit(np.load(tmp_path / "V.npy", mmap_mode="r"), **options)


FIT = """
import resource, sys
import numpy as np, torch, nmf
V = np.load(sys.argv[1], mmap_mode="r")
nmf.NMF((400, 1000), 2, seed=0).fit(np.array(V[:, :1000]), max_iter=1)  # imports all it needs
status = dict(line.split(":") for line in open("/proc/self/status"))
limit = 1024 * int(status["VmData"].split()[0]) + V.nbytes * 9 // 10
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
for where, data in (("in memory", np.asarray(V)), ("on disk", V)):
    try:
        nmf.NMF(V.shape, 2, seed=0).fit(data, beta=1, max_iter=1)
    except (MemoryError, RuntimeError):  # the second is torch's
        print(where, "it does not fit")
    else:
        print(where, "it fits")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory that a process may allocate")
def test_a_matrix_larger_than_the_memory_is_fitted(tmp_path):
    V = np.lib.format.open_memmap(tmp_path / "V.npy", "w+", np.float32, (400, 100_000))  # 160 MB
    V[:] = np.random.default_rng(0).random((400, 1), dtype=np.float32)
    V.flush()
    command = [sys.executable, "-c", FIT, str(tmp_path / "V.npy")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["in memory it does not fit", "on disk it fits"], done.stderr
