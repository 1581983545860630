"""The cost of a PSF that is not quite the true one.

The pictures of ``deblur bench set14-levin`` at 1 % noise: restored with the true PSF, with one whose values are wrong
by 5 % of the greatest each, and with one of which a fifth has moved by a pixel.

    DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.psf_error
"""

import numpy as np

from benchmarks._arguments import argument_parser
from deblur.benchmark import protocol, psnr
from deblur.nonblind import hyper_laplacian, plug_and_play, unrolled, wiener

METHODS = (wiener, hyper_laplacian, plug_and_play, unrolled)


def perturbed(psf: np.ndarray, seed: int) -> np.ndarray:
    """Return a PSF with noise of 5 % of its greatest value where it is not zero, of the same sum."""
    noise = np.random.default_rng(seed).standard_normal(psf.shape)
    wrong = np.where(psf > 0, np.clip(psf + 0.05 * psf.max() * noise, 0, None), 0)
    return (wrong * psf.sum() / wrong.sum()).astype(psf.dtype)


def shifted(psf: np.ndarray, seed: int) -> np.ndarray:
    """Return a PSF of which 20 % of the energy is one pixel away, in one of four directions."""
    wide = np.pad(psf, 1)
    axis, step = divmod(seed % 4, 2)
    return (0.8 * wide + 0.2 * np.roll(wide, 2 * step - 1, axis)).astype(psf.dtype)


def main() -> None:
    """Print the mean PSNR of every method with every PSF, and the loss."""
    parser = argument_parser(__doc__)
    parser.add_argument("--count", type=int, default=28, help="pictures, at most 112")
    set14 = protocol("set14-levin")
    pairs = set14.pairs()[: parser.parse_args().count]
    scores: dict[str, dict[str, list[float]]] = {method.__name__: {} for method in METHODS}
    for index, pair in enumerate(pairs):
        sample = set14.observe(*pair, 0.01)
        psfs = {"true": sample.psf, "5 % noise": perturbed(sample.psf, index), "shifted": shifted(sample.psf, index)}
        for method in METHODS:
            for name, psf in psfs.items():
                image = method(sample.blurred, psf)
                scores[method.__name__].setdefault(name, []).append(psnr(image.clip(0, 1), sample.truth))
    for method_name, found in scores.items():
        true = np.mean(found["true"])
        losses = [f"{name} {np.mean(v):.2f} ({np.mean(v) - true:+.2f})" for name, v in found.items()]
        print(f"{method_name}: {', '.join(losses)} dB", flush=True)


if __name__ == "__main__":
    main()
