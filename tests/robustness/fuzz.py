"""Damaged files, texts and arguments: no crash, hang, traceback, or memory without bound.

    python -m tests.robustness.fuzz --count 10000 --seed 0
    python -m tests.robustness.fuzz --seed 0 --only 1234    # repeat one case

A case passes if it ends within 10 seconds, in less than 2 GB beyond what the process holds, with a documented exit code
and, where nothing was done, one line of explanation. A tenth of the cases are requests to the real server.
"""

from __future__ import annotations

import argparse
from functools import partial

from tests.robustness import _targets, _web
from tests.robustness._forks import outcomes
from tests.robustness._tally import Tally

WEB_SHARE = 0.1


def check(count: int, seed: int, only: int | None = None) -> Tally:
    """Run `count` cases, a tenth of them on the server, and return the tally."""
    tally = Tally("fuzz", seed)
    numbers = range(count - int(count * WEB_SHARE)) if only is None else [only]
    for done in outcomes(_targets.prepare(seed), numbers, partial(_targets.kind_of, seed)):
        tally.add(done.kind, str(done.number), done.seconds, done.fault, done.peak)
        if done.number % 1000 == 999:
            print(f"{done.number + 1} cases, {len(tally.failures)} failures", flush=True)
    if only is None:
        _web.send_damaged(int(count * WEB_SHARE), seed, tally)
    return tally


def main() -> int:
    """Print the figures, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="NUMBER", help="run this case only")
    arguments = parser.parse_args()
    return check(arguments.count, arguments.seed, arguments.only).report()


if __name__ == "__main__":
    raise SystemExit(main())
