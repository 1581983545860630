"""`deblur export`: its options and help. The module beside does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deblur.cli._options import Force, check_not_empty
from deblur.cli._verbosity import reporter_of

EXPORT_EPILOG = """\b
Examples:
  deblur export denoiser --onnx denoiser.onnx
  deblur export unrolled --onnx unrolled.onnx --size 512x512 --psf-size 41
  deblur export deblur-unrolled/unrolled.safetensors --torch mine.pt2

\b
Inputs (float32; values in [0, 1]):
  denoiser  image (batch, 1, height, width) of any size, noise_level (batch,)
  unrolled  y (1, 1, *SIZE), psf (*PSF_SIZE), noise_level (1,)
  restored has the shape of image, or of y; see deblur.networks.export_onnx"""


def export(
    context: typer.Context,
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="denoiser or unrolled, which ship; or a .safetensors file from deblur train.",
            show_default=False,
        ),
    ],
    onnx: Annotated[
        str | None,
        typer.Option(
            "--onnx",
            callback=check_not_empty,
            metavar="FILE",
            help="Write ONNX; needs the extra onnx (deblur doctor says how to install it).",
            show_default=False,
        ),
    ] = None,
    program: Annotated[
        str | None,
        typer.Option(
            "--torch",
            callback=check_not_empty,
            metavar="FILE",
            help="Write a program of torch.export (.pt2).",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        str, typer.Option(metavar="N|NxM", help="Height and width of the images; not for a denoiser.")
    ] = "256",
    psf_size: Annotated[
        str, typer.Option("--psf-size", metavar="N|NxM", help="Rows and columns of the PSF; not for a denoiser.")
    ] = "31",
    force: Force = False,
) -> None:
    """Write a network for other runtimes, as ONNX or as a program of torch.export.

    An exported denoiser takes images of any size. A restoration network has a fixed size of image and PSF: pad smaller
    PSFs with zeros around their center, and cut larger images into overlapping tiles.
    """
    from deblur.cli._export import export_network

    targets = {kind: Path(file) for kind, file in (("onnx", onnx), ("torch", program)) if file is not None}
    export_network(network, targets, size, psf_size, force=force, report=reporter_of(context))
