"""Many files: overhead of `deblur restore` per file, and the gain of a second worker.

    python -m benchmarks.speed.cluster [--files 100] [--repeats 3]

Small pictures, then larger ones, in one process and on a Dask scheduler with one and two workers, all processes of this
machine, each on one thread. "overhead" is the time of the whole command, less that of a command for one file (so
without its start) and less the computation, a file and a worker: reading, decoding, light, encoding, writing, and on
the cluster the scheduler. "CPU" is the time of all processors that all processes take a file; where others work on the
machine (see the load average) only that means something, and the speedup little. Medians of the repeats; workers have
restored a picture before.

What limits it beyond: through the scheduler go some kilobytes a picture, none a pixel, and by Dask's own figures it
hands out about a thousand tasks a second. Through the shared folder go the files, in and out: the table says how many
bytes a pixel, and how many workers of this speed a file server of 1 Gbit/s feeds; one of 10 Gbit/s, ten times as many.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np
from skimage import data

from benchmarks._arguments import argument_parser
from deblur import photo
from deblur.photo import Photo

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
SERVER = 1e9 / 8  # bytes a second


def installed(name: str) -> str:
    """Return the path of a command beside this Python."""
    path = shutil.which(name, path=str(Path(sys.executable).parent))
    if path is None:
        raise FileNotFoundError(f"{name} is not installed beside this Python: pip install -e '.[dask]'")
    return path


def make(folder: Path, count: int, side: int) -> None:
    folder.mkdir()
    picture = np.tile(data.cat().astype(np.float32) / 255, (3, 3, 1))
    rng = np.random.default_rng(0)
    for number in range(count):
        y, x = (rng.integers(0, size - side) for size in picture.shape[:2])
        photo.write(folder / f"{number:04d}.png", Photo(picture[y : y + side, x : x + side], -1))


class Cluster(NamedTuple):
    """A scheduler and its workers; without processes, the command alone."""

    address: str | None = None
    processes: list[subprocess.Popen] = []  # noqa: RUF012


def cpu_seconds(processes: list[subprocess.Popen]) -> float:
    """Return what these processes and all ended commands have used so far."""
    import psutil

    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = [psutil.Process(process.pid).cpu_times() for process in processes]
    return ended.ru_utime + ended.ru_stime + sum(each.user + each.system for each in used)


def restore(source: Path, method: str, cluster: Cluster) -> tuple[float, float, float, int]:
    """Return the seconds of the command, of the computation and of all processors, and the bytes read and written."""
    with tempfile.TemporaryDirectory(dir=source.parent) as output:
        command = [installed("deblur"), "restore", source, "--psf", "motion:length=9,angle=30", "--method", method]
        command += ["--json", "-o", f"{output}/", *(["--scheduler", cluster.address] if cluster.address else [])]
        start, used = time.perf_counter(), cpu_seconds(cluster.processes)
        done = subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, text=True)
        seconds, used = time.perf_counter() - start, cpu_seconds(cluster.processes) - used
        results = json.loads(done.stdout)
        moved = sum(Path(each[name]).stat().st_size for each in results for name in ("input", "output"))
        return seconds, sum(each["seconds"] for each in results), used, moved


@contextmanager
def started(folder: Path, workers: int) -> Iterator[Cluster]:
    file = folder / f"scheduler-{workers}.json"
    options = ["--scheduler-file", file, "--no-dashboard", "--host", "127.0.0.1"]
    commands = [["scheduler", *options, "--port", "0", "--no-show"]]
    commands += [["worker", *options, "--nthreads", "1", "--no-nanny"]] * workers
    processes = []
    try:
        for command in commands:
            processes.append(
                subprocess.Popen(
                    [installed("dask"), *command],
                    env=ENVIRONMENT,
                    cwd=folder,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        from distributed import Client

        while not file.exists():
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        with Client(address) as client:
            client.wait_for_workers(workers)
        yield Cluster(address, processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def measure(folder: Path, method: str, repeats: int, pixels: int) -> None:
    pictures = folder / "pictures"
    count = len(list(pictures.iterdir()))
    one = next(pictures.iterdir())
    alone = None
    for name, workers in (("one process", 0), ("1 worker", 1), ("2 workers", 2)):
        with started(folder, workers) if workers else nullcontext(Cluster()) as cluster:
            for _ in range(workers and 2):
                restore(pictures, method, cluster)  # each worker loads what it needs
            starts = [restore(one, method, cluster) for _ in range(repeats)]
            start = statistics.median(seconds - computed for seconds, computed, *_ in starts)
            runs = [restore(pictures, method, cluster) for _ in range(repeats)]
        seconds = statistics.median(run[0] for run in runs) - start
        computed = statistics.median(run[1] for run in runs)
        overhead = (seconds * max(workers, 1) - computed) / count
        alone = alone or seconds
        used = (statistics.median(run[2] for run in runs) - statistics.median(run[2] for run in starts)) / (count - 1)
        moved = runs[0][3] / (count * pixels)
        rate = count * pixels / seconds / max(workers, 1)
        print(
            f"{name:12s} {count:4d} files {seconds:7.2f} s  computation {1e3 * computed / count:6.1f} ms a file  "
            f"overhead {1e3 * overhead:6.1f} ms  CPU {1e3 * used:6.1f} ms  start {start:5.2f} s  "
            f"speedup {alone / seconds:5.2f}  "
            f"{moved:4.1f} bytes a pixel, {rate / 1e6:5.2f} megapixels/s: {SERVER / (moved * rate):5.0f} workers  "
            f"load {os.getloadavg()[0]:.1f}",
            flush=True,
        )


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    for title, count, side, method in (
        ("128 x 128, color, wiener", options.files, 128, "wiener"),
        ("256 x 256, color, unrolled", max(options.files // 10, 2), 256, "unrolled"),
    ):
        print(title)
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder, "pictures"), count, side)
            measure(Path(folder), method, options.repeats, side**2)


if __name__ == "__main__":
    main()
