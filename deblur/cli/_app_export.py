"""`deblur export`: its options and explanations. The work is in the module beside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deblur.cli._options import Force, check_not_empty

EXPORT_EPILOG = """\b
Examples:
  deblur export denoiser --onnx denoiser.onnx
  deblur export unrolled --onnx unrolled.onnx --size 512x512 --psf-size 41
  deblur export deblur-unrolled/unrolled.safetensors --torch mine.pt2

\b
What they take and return (float32; values on the scale [0, 1]):
  denoiser  image (batch, 1, height, width) of any size, noise_level (batch,)
  unrolled  y (1, 1, *SIZE), psf (*PSF_SIZE), noise_level (1,)
  restored has the shape of image, or of y; see deblur.networks.export_onnx"""


def export(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="denoiser or unrolled, which ship; or the .safetensors file of one that deblur train made.",
            show_default=False,
        ),
    ],
    onnx: Annotated[
        str | None,
        typer.Option(
            "--onnx",
            callback=check_not_empty,
            metavar="FILE",
            help="Write ONNX; needs the extra: pip install deblur-toolkit[onnx].",
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
        str, typer.Option(metavar="N|NxM", help="Height and width of the pictures; not for a denoiser.")
    ] = "256",
    psf_size: Annotated[
        str, typer.Option("--psf-size", metavar="N|NxM", help="Rows and columns of the PSF; not for a denoiser.")
    ] = "31",
    force: Force = False,
) -> None:
    """Write a network for other runtimes, as ONNX or as a program of torch.export.

    A denoiser then takes pictures of any size. A network that restores has one size of picture and of PSF: pad smaller
    PSFs with zeros around their center, and cut larger pictures into tiles that overlap.
    """
    from deblur.cli._export import export_network

    targets = {kind: Path(file) for kind, file in (("onnx", onnx), ("torch", program)) if file is not None}
    export_network(network, targets, size, psf_size, force=force)
