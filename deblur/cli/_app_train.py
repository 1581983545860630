"""`deblur train`: its options and help. The module beside does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deblur.cli._options import check_not_empty
from deblur.cli._verbosity import reporter_of

TRAIN_EPILOG = """\b
Examples:
  deblur train denoiser
  deblur train unrolled -o runs/wide --config wide.toml
  deblur train unrolled --resume runs/wide --minutes 60
  deblur train denoiser --start pretrained --minutes 60
  deblur train denoiser --resume runs/a --cool-down 2000 -o runs/a-cool

\b
A configuration is a TOML file of settings to change:
  steps = 20000
  learning_rate = 5e-4
  widths = [48, 96, 192]

\b
The folder then holds checkpoint.safetensors, to resume from; log.jsonl;
curve.png; and, at the end, the network itself, which deblur.networks.load
and deblur export read."""


def train(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="denoiser; unrolled, which starts from the denoiser that ships; or udn, the seed system's network.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            callback=check_not_empty,
            metavar="DIR",
            help="Folder for the training, made if missing. [default: deblur-NETWORK]",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            callback=check_not_empty,
            metavar="DIR",
            help="Resume the training in this folder, with its settings.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            callback=check_not_empty,
            metavar="FILE|pretrained",
            help="Start from trained weights, widened where the network to train is larger; steps are counted on.",
            show_default=False,
        ),
    ] = None,
    cool_down: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="With --resume: branch off N last steps, at a falling learning rate, in the folder --output.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            callback=check_not_empty, metavar="FILE", help="Settings that differ from the defaults.", show_default=False
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Optimizer steps in all. With --resume, the schedule follows the new number from here on.",
            show_default=False,
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(min=0.0, metavar="M", help="Stop after this long; --resume continues later.", show_default=False),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(
            callback=check_not_empty,
            metavar="DIR",
            help="Photographs to train on. [default: BSDS500 train and test, downloaded]",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            callback=check_not_empty,
            metavar="DEVICE",
            help="auto, cpu, cuda, cuda:1 or mps. [default: auto, an accelerator if there is one]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Train a network on synthetic pairs: sharp photographs, blurred and made noisy on the fly.

    One photograph in fifty is kept aside to validate on. A checkpoint is written every three minutes and when the
    training is interrupted; resumed, it goes on as if it had not been.
    """
    from deblur.cli._train import train_network

    train_network(
        kind,
        None if output is None else Path(output),
        resume=None if resume is None else Path(resume),
        start=start,
        cool_down=cool_down,
        config=None if config is None else Path(config),
        steps=steps,
        minutes=minutes,
        images=None if images is None else Path(images),
        device=device,
        report=reporter_of(context),
    )
