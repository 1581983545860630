"""How long a newcomer waits: `import deblur`, and `deblur --help`, as whole processes.

python -m benchmarks.speed.startup
"""

import statistics
import subprocess
import sys
import time


def seconds(command: list[str], repeats: int = 7) -> float:
    """Return the median time of a command, after one run to warm the disk cache."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    """Print the times beside that of an empty Python."""
    python = [sys.executable, "-c"]
    for name, command in {
        "python -c pass": [*python, "pass"],
        "import deblur": [*python, "import deblur"],
        "deblur --help": [*python, "import sys; sys.argv = ['deblur', '--help']; from deblur.cli import main; main()"],
        "import deblur.nonblind, first use": [*python, "import deblur; deblur.nonblind.wiener"],
    }.items():
        print(f"{name:36s} {1e3 * seconds(command):6.0f} ms")


if __name__ == "__main__":
    main()
