"""NMF and NMFD against scikit-learn, torchnmf and libnmfd, in one run: time an iteration, time to a loss, memory.

    python -m benchmarks.nmf.solvers [--threads N] [--case kl is fro nmfd memory] [--repeats N]

All start from the same factors, in float32 (libnmfd knows only float64). Peers take turns, and figures
are medians. The time of an iteration is the difference of a long and a short fit, checks of the objective (every ten
iterations, as scikit-learn and torchnmf have it) included.
Peers that are not installed are left out: ``pip install scikit-learn torchnmf libnmfd``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import os
import statistics
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

import nmf

F, T, RANK, TAPS, COMPONENTS = 1025, 2000, 32, 16, 8
BETAS = {"kl": 1.0, "is": 0.0, "fro": 2.0}
SKLEARN_LOSS = {1.0: "kullback-leibler", 0.0: "itakura-saito", 2.0: "frobenius"}
# Multiplications and additions of an iteration, in F T R: a product and its adjoint for each factor, or two.
GEMMS = {"kl": 8, "is": 12, "fro": 4}

Fit = Callable[[int], object]


def spectrogram(columns: int = T) -> np.ndarray:
    """Return a power spectrogram of decaying harmonic notes, times exponential noise as of a periodogram."""
    rng = np.random.default_rng(0)
    bins = np.arange(F)[:, None]
    pitch = 8 * 2 ** (rng.integers(0, 48, RANK) / 12)
    harmonics = sum(np.exp(-0.5 * ((bins - k * pitch) / 1.5) ** 2) / k for k in range(1, 16))
    W = harmonics + 0.01 * rng.random((F, RANK))
    onsets = (rng.random((RANK, columns)) < 0.02) * rng.random((RANK, columns))
    H = np.array([np.convolve(row, np.exp(-np.arange(60) / 15))[:columns] for row in onsets])
    return ((W @ H + 1e-3) * rng.exponential(size=(F, columns)) + 1e-6).astype(np.float32)


def start(V: np.ndarray, rank: int, taps: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return random factors of the scale of V."""
    rng = np.random.default_rng(1)
    scale = np.sqrt(V.mean() / rank / max(taps, 1))
    W = scale * (0.1 + rng.random((len(V), rank, taps) if taps else (len(V), rank)))
    return W.astype(np.float32), (scale * (0.1 + rng.random((rank, V.shape[1])))).astype(np.float32)


def has(package: str) -> bool:
    """Whether a peer is installed."""
    return importlib.util.find_spec(package) is not None


def loss_of(V: np.ndarray, product: np.ndarray, beta: float) -> float:
    """Return the divergence of what any of them made."""
    return float(nmf.beta_divergence(torch.from_numpy(V), torch.from_numpy(np.maximum(product, 1e-30)), beta))


def ours(V: np.ndarray, beta: float, W: np.ndarray, H: np.ndarray, **options: object) -> Fit:
    """Return our fit, for exactly n iterations."""
    data = torch.from_numpy(V)

    def fit(n: int, **more: object) -> torch.nn.Module:
        kind = nmf.NMFD if W.ndim == 3 else nmf.NMF
        model = kind(W=torch.from_numpy(W), H=torch.from_numpy(H))
        model.fit(data, beta, **{"tol": 0, "max_iter": n, **options, **more})
        return model

    return fit


def sklearn_fit(V: np.ndarray, beta: float, W: np.ndarray, H: np.ndarray, solver: str = "mu") -> Fit:
    """Return scikit-learn's, on the transpose, as it is used for audio."""
    from sklearn.decomposition import NMF

    X, A, B = np.ascontiguousarray(V.T), np.ascontiguousarray(H.T), np.ascontiguousarray(W.T)

    def fit(n: int) -> np.ndarray:
        loss = SKLEARN_LOSS[beta]
        model = NMF(W.shape[1], solver=solver, beta_loss=loss, init="custom", tol=1e-30, max_iter=n)
        return (model.fit_transform(X, W=A.copy(), H=B.copy()) @ model.components_).T

    return fit


def torchnmf_fit(V: np.ndarray, beta: float, W: np.ndarray, H: np.ndarray) -> Fit:
    """Return torchnmf's; its convolution has no activations whose templates end after the last frame."""
    import torchnmf.nmf

    convolutive = W.ndim == 3
    data = torch.from_numpy(V)[None] if convolutive else torch.from_numpy(np.ascontiguousarray(V.T))

    def fit(n: int) -> np.ndarray:
        if convolutive:
            activations = torch.from_numpy(H)[None, :, : T - TAPS + 1]
            model = torchnmf.nmf.NMFD(W=torch.from_numpy(W), H=activations)
        else:
            model = torchnmf.nmf.NMF(W=torch.from_numpy(W), H=torch.from_numpy(np.ascontiguousarray(H.T)))
        model.fit(data, beta, tol=-1, max_iter=n)
        product = model().detach().numpy()
        return product[0] if convolutive else product.T

    return fit


def torchnmf_iterations_to(target: float, V: np.ndarray, W: np.ndarray, H: np.ndarray, most: int = 400) -> int:
    """Return how many iterations of torchnmf's NMFD reach a KL loss, in tens."""
    import torchnmf.nmf

    model = torchnmf.nmf.NMFD(W=torch.from_numpy(W), H=torch.from_numpy(H)[None, :, : T - TAPS + 1])
    for n in range(10, most, 10):
        model.fit(torch.from_numpy(V)[None], 1.0, tol=-1, max_iter=10)
        if loss_of(V, model().detach().numpy()[0], 1.0) <= target:
            return n
    return most


def libnmfd_fit(V: np.ndarray, W: np.ndarray, H: np.ndarray) -> Fit:
    """Return libnmfd's KL fit."""
    with contextlib.redirect_stdout(io.StringIO()):
        from libnmfd.core import nmfconv
    nmfconv.tnrange = lambda n, **_: range(n)
    templates = [W[:, r].astype(float) for r in range(W.shape[1])]

    def fit(n: int) -> np.ndarray:
        made = nmfconv.nmfd(
            V.astype(float),
            num_comp=W.shape[1],
            num_iter=n,
            num_template_frames=TAPS,
            init_W=templates,
            init_H=H.astype(float),
        )
        return sum(made[2]) * V.sum(dtype=float)

    return fit


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
    if has("sklearn"):
        fits["scikit-learn MU"] = sklearn_fit(V, beta, W, H)
        if name == "fro":
            fits["scikit-learn CD"] = sklearn_fit(V, beta, W, H, solver="cd")
    if has("torchnmf"):
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
    W, H = start(V, COMPONENTS, TAPS)
    fits = {"ours, mm": ours(V, 1.0, W, H, solver="mm"), "ours, auto": ours(V, 1.0, W, H)}
    if has("torchnmf"):
        fits["torchnmf"] = torchnmf_fit(V, 1.0, W, H)
    if has("libnmfd"):
        fits["libnmfd"] = libnmfd_fit(V, W, H)
    times = an_iteration(fits, repeats, few=2, many=12)
    rate = sgemm_rate()
    share = 8 * F * T * COMPONENTS * TAPS / times["ours, mm"] / rate
    print(f"nmfd kl, {F} x {T}, {COMPONENTS} components of {TAPS} frames: {share:.0%} of {rate / 1e9:.0f} GFLOP/s")
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
    run = [sys.executable, "-m", "benchmarks.nmf.solvers", "--memory-of", str(columns)]
    return float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)


def print_memory(columns: int) -> None:
    """Print the growth of the resident set by V and a KL fit (the child of `peak_memory`)."""
    small = torch.rand(F, 64)
    nmf.NMF(small.shape, RANK, seed=0).fit(small, max_iter=2)  # load what is loaded once
    before = peak = resident_bytes()
    V = torch.rand(F, columns).add_(0.1)
    worker = threading.Thread(target=lambda: nmf.NMF(V.shape, RANK, seed=0).fit(V, max_iter=10))
    worker.start()
    while worker.is_alive():
        peak = max(peak, resident_bytes())
        time.sleep(0.0005)
    print((peak - before) / (4 * V.numel()))


def resident_bytes() -> int:
    """Return the resident set of this process (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cases = ("kl", "is", "fro", "nmfd", "memory")
    parser.add_argument("--case", nargs="*", choices=cases, default=cases)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory-of", type=int)
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
