"""Onset-informed drum separation: SDR, SIR and SAR of each instrument, against libnmfd and against plain NMF.

    python -m benchmarks.nmf.separation FOLDER [--frames 8] [--iterations 60]

FOLDER holds ``runningExample_808{Mixture,Kick,Snare,Hihat}.wav`` and ``runningExample_808Drums.txt`` of libnmfd. All
start from the same factors (even templates, activations at the onsets), see the same spectrogram, and end in the same
masks; the scores are mir_eval's BSS Eval. The last row masks with the magnitudes of the true stems: what masks can do.
``pip install mir_eval soundfile``; libnmfd is left out if it is not installed.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch

from benchmarks._arguments import argument_parser, is_installed
from benchmarks.nmf._peers import libnmfd_components
from nmf import NMF, NMFD, audio

NAMES = ("Kick", "Snare", "Hihat")


def main() -> None:
    """Print the table."""
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--iterations", type=int, default=60)
    options = parser.parse_args()
    import mir_eval

    warnings.simplefilter("ignore")
    mixture, rate = audio.read(options.folder / "runningExample_808Mixture.wav")
    stems = np.stack([audio.read(options.folder / f"runningExample_808{name}.wav")[0] for name in NAMES])
    strokes = np.loadtxt(options.folder / "runningExample_808Drums.txt")
    onsets = [strokes[strokes[:, 1] == number, 0].tolist() for number in (1, 2, 3)]
    transform = audio.Spectrogram()
    X = transform(torch.from_numpy(mixture))
    V = X.abs()
    H = audio.init_activations(V.shape[1], onsets=onsets, rate=rate, hop=transform.hop)
    H = H * (V.sum() / H.sum())
    W = audio.init_templates(transform.n_fft, components=3, taps=options.frames)

    def ours(solver: str) -> torch.Tensor:
        model = NMFD(W=W, H=H)
        model.fit(V, 1, solver=solver, tol=0, max_iter=options.iterations)
        return model.components().detach()

    def plain() -> torch.Tensor:
        model = NMF(W=W.sum(-1), H=H)
        model.fit(V, 1, tol=0, max_iter=options.iterations)
        return model.components().detach()

    rows = {"NMFD, auto": ours("auto"), "NMFD, mm": ours("mm")}
    if is_installed("libnmfd"):
        rows["libnmfd"] = torch.from_numpy(
            libnmfd_components(V.numpy(), W.numpy(), H.numpy(), options.iterations)
        ).float()
    rows["plain NMF"] = plain()
    rows["masks of the truth"] = torch.stack([transform(torch.from_numpy(stem)).abs() for stem in stems])
    heads = "".join(f"{name + ' SDR':>12s}{'SIR':>7s}{'SAR':>7s}" for name in NAMES)
    print(f"{'':20s}{heads}{'mean SDR':>10s}")
    for label, parts in rows.items():
        signals = transform.inverse(audio.alpha_wiener_filter(X, parts, alpha=1.0), len(mixture)).numpy()
        sdr, sir, sar, _ = mir_eval.separation.bss_eval_sources(stems, signals + 1e-12, compute_permutation=False)
        cells = "".join(f"{a:12.2f}{b:7.2f}{c:7.2f}" for a, b, c in zip(sdr, sir, sar, strict=True))
        print(f"{label:20s}{cells}{sdr.mean():10.2f}", flush=True)


if __name__ == "__main__":
    main()
