"""NMF and NMFD against scikit-learn, torchnmf and libnmfd, in one run: time per iteration, time to a loss, memory.

    python -m benchmarks.nmf.solvers [--threads N] [--case kl is fro nmfd memory] [--repeats N]

All start from the same factors, in float32 (libnmfd knows only float64). Peers take turns, and figures
are medians. The time of an iteration is the difference of a long and a short fit, checks of the objective (every ten
iterations, as scikit-learn and torchnmf have it) included.
Peers that are not installed are left out: ``pip install scikit-learn torchnmf libnmfd``.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch

import nmf
from benchmarks._arguments import argument_parser, is_installed
from benchmarks._memory import peak_growth, printed_by_child
from benchmarks.nmf._peers import (
    COMPONENTS,
    FRAMES,
    RANK,
    F,
    Fit,
    T,
    libnmfd_fit,
    loss_of,
    ours,
    sklearn_fit,
    spectrogram,
    start,
    torchnmf_fit,
    torchnmf_iterations_to,
)

# Multiplications and additions of an iteration, in F T R: a product and its adjoint for each factor, or two.
GEMMS = {"kl": 8, "is": 12, "fro": 4}
BETAS = {"kl": 1.0, "is": 0.0, "fro": 2.0}


def seconds(call: Callable[[], object]) -> float:
    """Time one call: by the clock of the process with one thread, which a busy machine disturbs less."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    begin = clock()
    call()
    return clock() - begin


def an_iteration(fits: dict[str, Fit], repeats: int, few: int = 10, many: int = 60) -> dict[str, float]:
    """Return seconds an iteration of each: medians, the fits taking turns."""
    samples: dict[str, list[float]] = {name: [] for name in fits}
    for fit in fits.values():
        fit(2)
    for _ in range(repeats):
        for name, fit in fits.items():
            samples[name].append((seconds(lambda f=fit: f(many)) - seconds(lambda f=fit: f(few))) / (many - few))
    return {name: statistics.median(values) for name, values in samples.items()}


def seconds_to(target: float, fit: Callable[..., object], repeats: int) -> tuple[float, int]:
    """Return our seconds, and iterations, until the objective is as low as `target`."""
    count, times = 0, []

    def reached(iteration: int, factors: object, objective: float) -> bool:
        nonlocal count
        count = iteration
        return objective <= target

    for _ in range(repeats):
        times.append(seconds(lambda: fit(2000, callback=reached, check_every=5)))
    return statistics.median(times), count


def sgemm_rate() -> float:
    """Return the machine's rate of multiplications and additions in a square float32 product."""
    a = torch.rand(1536, 1536)
    return 2 * 1536**3 / min(seconds(lambda: a @ a) for _ in range(8))


def compare_matrices(name: str, repeats: int) -> None:
    """Print the rows of one divergence."""
    V, beta = spectrogram(), BETAS[name]
    W, H = start(V, RANK)
    fits = {"ours, mm": ours(V, beta, W, H, solver="mm"), "ours, auto": ours(V, beta, W, H)}
    if is_installed("sklearn"):
        fits["scikit-learn MU"] = sklearn_fit(V, beta, W, H)
        if name == "fro":
            fits["scikit-learn CD"] = sklearn_fit(V, beta, W, H, solver="cd")
    if is_installed("torchnmf"):
        fits["torchnmf"] = torchnmf_fit(V, beta, W, H)
    times = an_iteration(fits, repeats)
    rate = sgemm_rate()
    share = GEMMS[name] * F * T * RANK / times["ours, mm"] / rate
    print(f"{name}, {F} x {T}, rank {RANK}: {share:.0%} of {rate / 1e9:.0f} GFLOP/s")
    for peer, t in times.items():
        print(f"  {peer:16s} {1e3 * t:7.2f} ms an iteration, {t / times['ours, mm']:.2f} of ours")
    for peer in ("scikit-learn MU", "scikit-learn CD"):
        if peer in fits:
            target = loss_of(V, fits[peer](300), beta)
            theirs = statistics.median(seconds(lambda p=peer: fits[p](300)) for _ in range(repeats))
            needed, count = seconds_to(target, ours(V, beta, W, H), repeats)
            print(
                f"  to the loss {target:.6g} of {peer} after 300 iterations, {theirs:.2f} s: "
                f"ours {needed:.3f} s, {count} iterations, {theirs / needed:.1f} times as fast",
                flush=True,
            )


def compare_convolutions(repeats: int) -> None:
    """Print the rows of NMFD."""
    V = np.sqrt(spectrogram())
    W, H = start(V, COMPONENTS, FRAMES)
    fits = {"ours, mm": ours(V, 1.0, W, H, solver="mm"), "ours, auto": ours(V, 1.0, W, H)}
    if is_installed("torchnmf"):
        fits["torchnmf"] = torchnmf_fit(V, 1.0, W, H)
    if is_installed("libnmfd"):
        fits["libnmfd"] = libnmfd_fit(V, W, H)
    times = an_iteration(fits, repeats, few=2, many=12)
    rate = sgemm_rate()
    share = 8 * F * T * COMPONENTS * FRAMES / times["ours, mm"] / rate
    print(f"nmfd kl, {F} x {T}, {COMPONENTS} components of {FRAMES} frames: {share:.0%} of {rate / 1e9:.0f} GFLOP/s")
    for peer, t in times.items():
        print(f"  {peer:16s} {1e3 * t:7.2f} ms an iteration, {t / times['ours, mm']:.2f} of ours")
    if "libnmfd" not in fits:
        return
    target = loss_of(V, fits["libnmfd"](100), 1.0)
    theirs = seconds(lambda: fits["libnmfd"](100))
    needed, count = seconds_to(target, ours(V, 1.0, W, H), repeats)
    print(f"  to the loss {target:.6g} of libnmfd after 100 iterations, {theirs:.2f} s:")
    print(f"    ours {needed:.3f} s, {count} iterations, {theirs / needed:.1f} times as fast")
    if "torchnmf" in fits:
        n = torchnmf_iterations_to(target, V, W, H)
        spent = seconds(lambda: fits["torchnmf"](n))
        verb = "reaches it" if n < 400 else "does not reach it"
        print(f"    torchnmf {verb} in {n} iterations, {spent:.2f} s: ours is {spent / needed:.1f} times as fast")


def peak_memory(columns: int) -> float:
    """Return the peak of memory in multiples of V, V included, in a process of its own."""
    return float(printed_by_child("benchmarks.nmf.solvers", "--memory-of", str(columns)))


def print_memory(columns: int) -> None:
    """Print the growth of the resident set by V and a KL fit (the child of `peak_memory`)."""
    small = torch.rand(F, 64)
    nmf.NMF(small.shape, RANK, seed=0).fit(small, max_iter=2)  # load what is loaded once

    def fit() -> None:
        V = torch.rand(F, columns).add_(0.1)
        nmf.NMF(V.shape, RANK, seed=0).fit(V, max_iter=10)

    print(peak_growth(fit) / (4 * F * columns))


def main() -> None:
    """Print the tables."""
    parser = argument_parser(__doc__, threads=1)
    cases = ("kl", "is", "fro", "nmfd", "memory")
    parser.add_argument("--case", nargs="*", choices=cases, default=cases)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory-of", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    if options.memory_of:
        print_memory(options.memory_of)
        return
    for case in options.case:
        if case in BETAS:
            compare_matrices(case, options.repeats)
        elif case == "nmfd":
            compare_convolutions(options.repeats)
        else:
            for columns in (2000, 20000):
                print(f"peak memory of a KL fit, {F} x {columns}: {peak_memory(columns):.1f} times V")


if __name__ == "__main__":
    main()
