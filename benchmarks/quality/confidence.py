"""Whether a confidence is right: how many results of blind methods are good that are called high, medium or low.

A result is good where its error ratio, against the same final step with the true PSF, is at most 3.

    deblur bench shakes-blind --method sparse_edges -o runs/shakes
    deblur bench lai-blind --method "blind(encoded=True)" -o runs/lai
    python -m benchmarks.quality.confidence runs/*/results.csv
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from benchmarks._arguments import argument_parser
from deblur._result import certainty_of

GOOD = (2.0, 3.0)  # error ratios


def main() -> None:
    """Print how many results there are of each certainty, and how many of them are good."""
    parser = argument_parser(__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="RESULTS.CSV")
    ratios: dict[str, list[float]] = {"high": [], "medium": [], "low": [], "as it was": []}
    for path in parser.parse_args().files:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row.get("error_ratio"):
                    confidence = row.get("confidence")
                    word = certainty_of(float(confidence)) if confidence else "as it was"
                    ratios[word].append(float(row["error_ratio"]))
    print(f"{'confidence':10} {'n':>4} " + " ".join(f"ratio <= {good:g}" for good in GOOD))
    for word, each in ratios.items():
        shares = " ".join(f"{np.mean(np.array(each) <= good):9.0%} " for good in GOOD) if each else ""
        print(f"{word:10} {len(each):4} {shares}")


if __name__ == "__main__":
    main()
