"""Start-up: `import deblur`, and `deblur --help`, as whole processes.

python -m benchmarks.speed.startup
"""

import subprocess
import sys
from functools import partial

from benchmarks._arguments import argument_parser
from benchmarks._timing import alternating, medians

RUNS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import deblur": [sys.executable, "-c", "import deblur"],
    "deblur --help": [sys.executable, "-m", "deblur", "--help"],
    "import deblur.nonblind, first use": [sys.executable, "-c", "import deblur; deblur.nonblind.wiener"],
}


def main() -> None:
    """Print the times beside that of an empty Python."""
    parser = argument_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    calls = {name: partial(subprocess.run, command, check=True, capture_output=True) for name, command in RUNS.items()}
    for name, median in medians(alternating(calls, repeats)).items():
        print(f"{name:36s} {1e3 * median:6.0f} ms")


if __name__ == "__main__":
    main()
