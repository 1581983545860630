"""SelfDeblur on the Levin images, by the protocol of `deblur bench levin-blind`; it goes on where it was stopped.

    DEBLUR_DATA=FOLDER python -m benchmarks.quality.selfdeblur FOLDER [--preset fast] [--start fast] [--count 4]

The first four images have every scene once, with four kernels. The folder keeps a line of scores an image, pictures
(blurred, restored, truth, kernel), and the checkpoint of the image under way. With `--start fast`, the fit starts from
the kernel of `deblur.blind.sparse_edges`. Seconds are of processor time, so that other work on the machine does not
count.
"""

import json
import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks._arguments import argument_parser
from deblur import blind
from deblur.benchmark import Estimate, protocol

SIZES = {1: 17, 2: 15, 3: 13, 4: 27, 5: 11, 6: 19, 7: 21, 8: 21}
"""Of the kernels, as the authors of SelfDeblur set them."""


def main() -> None:
    """Restore and score the images that are not done yet; print the means of all."""
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--preset", choices=list(blind.SELFDEBLUR_PRESETS), default="fast")
    parser.add_argument("--start", choices=["none", "fast"], default="none")
    parser.add_argument("--count", type=int, default=32, help="images, of 32")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    log = options.folder / "scores.jsonl"
    facts = {"preset": options.preset, "start": options.start, "seed": options.seed}
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    rows = [row for row in rows if facts.items() <= row.items()]
    levin = protocol("levin-blind")
    for image, psf in levin.pairs()[: options.count]:
        if any((row["image"], row["psf"]) == (image, psf) for row in rows):
            continue
        sample = levin.observe(image, psf, 0.0)
        name = f"{image}_{psf}_{options.preset}_{options.start}_{options.seed}"
        checkpoint = options.folder / f"{name}.safetensors"
        size, begin, start = SIZES[int(psf[-1])], time.process_time(), None
        if options.start == "fast":
            start = blind.sparse_edges(sample.blurred).psf
            size = max(size, *start.shape)
        result = blind.selfdeblur(
            sample.blurred, size, preset=options.preset, start=start, seed=options.seed, checkpoint=checkpoint
        )
        seconds = time.process_time() - begin
        blurred = levin.score(Estimate(sample.blurred), sample)["psnr"]
        scores = levin.score(Estimate(result.image, result.psf), sample)
        row = facts | {"image": image, "psf": psf, "blurred": blurred, **scores}
        row |= {"confidence": result.confidence, "seconds": seconds}
        rows.append(row)
        with log.open("a") as file:
            file.write(json.dumps(row) + "\n")
        cv2.imwrite(
            str(options.folder / f"{name}.png"), picture(sample.blurred, result.image, sample.truth, result.psf)
        )
        checkpoint.unlink()
        print(f"{image} {psf}: {blurred:.2f} to {scores['psnr']:.2f} dB, SSIM {scores['ssim']:.4f},", end=" ")
        print(f"error ratio {scores['error_ratio']:.2f}, {seconds:.0f} s {result.reason}", flush=True)
    for name in ("blurred", "psnr", "ssim", "error_ratio", "seconds"):
        print(f"{name}: mean {np.mean([row[name] for row in rows]):.4f} over {len(rows)}")


def picture(blurred: np.ndarray, restored: np.ndarray, truth: np.ndarray, psf: np.ndarray) -> np.ndarray:
    """Return the four side by side, in bytes."""
    height, width = truth.shape
    kernel = cv2.resize(psf / psf.max(), (width, height), interpolation=cv2.INTER_NEAREST)
    return np.rint(255 * np.concatenate([blurred, restored, truth, kernel], axis=1).clip(0, 1)).astype(np.uint8)


if __name__ == "__main__":
    main()
