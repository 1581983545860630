"""`deblur export`."""

from __future__ import annotations

import logging
from pathlib import Path

from deblur.cli._files import check_folder, refuse_existing
from deblur.cli._options import sizes_in
from deblur.cli._verbosity import Reporter


def export_network(
    network: str, targets: dict[str, Path], size: str, psf_size: str, *, force: bool, report: Reporter
) -> None:
    """Write a network to the files for ``onnx`` and ``torch``, and print their names; see `deblur export --help`."""
    if not targets:
        raise ValueError("give --onnx FILE, --torch FILE, or both")
    shapes = {"image_shape": _parse_size(size, "--size"), "psf_shape": _parse_size(psf_size, "--psf-size")}
    for target in targets.values():
        refuse_existing(target, force=force)
        check_folder(target)
    from deblur.networks import export_onnx, export_program, load, pretrained

    model = load(network) if network.endswith(".safetensors") else pretrained(network)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns about torchvision, which no network here uses
    for kind, target in targets.items():
        write = export_onnx if kind == "onnx" else export_program
        write(model, target, **shapes, overwrite=force)
        report.say(str(target))


def _parse_size(text: str, option: str) -> tuple[int, int]:
    sides = sizes_in(text)
    if len(sides) not in (1, 2) or min(sides) < 1:
        raise ValueError(f"{option} must be pixels such as 256 or 240x320, got {text!r}")
    return sides[0], sides[-1]
