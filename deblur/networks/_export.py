"""Export of networks to other runtimes: ONNX, and programs of torch.export."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.fx.experimental import _config as symbolic_shapes

from deblur._core.atomic import atomic_path
from deblur._core.extras import needs_extra

from ._denoiser import Denoiser
from ._matrix_fourier import decompositions
from ._udn import UDN
from ._unrolled import UnrolledHQS

_OPSET = 18
_TRACED = (3, 53, 75)  # batch and size are no multiples of anything, so that the trace holds for all sizes


def export_onnx(
    network: nn.Module,
    path: str | os.PathLike[str],
    *,
    image_shape: Sequence[int] = (256, 256),
    psf_shape: Sequence[int] = (31, 31),
    overwrite: bool = False,
) -> None:
    """Write a network as an ONNX file (opset 18, float32); needs the extra ``onnx``.

    A `Denoiser` takes ``image``, shape ``(batch, channels, height, width)`` of any size, and ``noise_level``, shape
    ``(batch,)``. The other networks take ``y``, shape ``(1, 1, *image_shape)``, ``psf``, shape
    `psf_shape`, and ``noise_level``, shape ``(1,)``, for the unknown boundary: its Fourier transforms, which become
    products with matrices, have one size. Pad a smaller PSF by `deblur.psf.pad_to`, and cut larger images into tiles
    that overlap by some 64 pixels more than the PSF. The output is ``restored``.

    Results agree with this package's to some 1e-5. Below a noise level of 0.5 % with a PSF that has nearly lost some
    frequencies, the problem itself magnifies float32 rounding, here too, to some 1e-3.

    Parameters
    ----------
    network : torch.nn.Module
        A `Denoiser`, an `UnrolledHQS` or a `UDN`; it is not changed.
    path : path-like
        Where to write.
    image_shape, psf_shape : sequence of int
        Height and width of the image, rows and columns of the PSF; not for a `Denoiser`.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    TypeError
        If the network is of another class.
    ValueError
        If a shape is not two positive integers, or the PSF is larger than the image.
    ModuleNotFoundError
        If the packages of the extra are missing.
    OSError
        If the file exists and `overwrite` is False, or it cannot be written; no partial file is left.

    Examples
    --------
    >>> from deblur.networks import export_onnx, pretrained
    >>> export_onnx(pretrained("denoiser"), "denoiser.onnx")  # doctest: +SKIP
    """
    with needs_extra("onnx", "the export to ONNX"):
        import onnxscript  # noqa: F401
    plain, arguments, axes = _traceable(network, image_shape, psf_shape)
    with atomic_path(path, overwrite=overwrite) as temporary, _size_oblivious():
        model: Any = plain
        if axes is None:
            model = torch.export.export(plain, arguments).run_decompositions(decompositions())
        program = torch.onnx.export(
            model,
            arguments,
            output_names=["restored"],
            dynamic_shapes=axes,
            opset_version=_OPSET,
            optimize=axes is not None,  # constant folding takes minutes here; runtimes do it at load time
            verbose=False,
        )
        assert program is not None
        program.save(temporary)


def export_program(
    network: nn.Module,
    path: str | os.PathLike[str],
    *,
    image_shape: Sequence[int] = (256, 256),
    psf_shape: Sequence[int] = (31, 31),
    overwrite: bool = False,
) -> None:
    """Write a network as a program of `torch.export`, which runs without this package.

    Parameters
    ----------
    network, path, image_shape, psf_shape, overwrite
        As of `export_onnx`, as are the inputs of the program.

    Raises
    ------
    TypeError, ValueError, OSError
        As `export_onnx`; no package of the extra is needed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import torch
    >>> from deblur.networks import Denoiser, export_program
    >>> net = Denoiser(widths=(4, 8), depths=(1, 1), decoder_depth=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "denoiser.pt2")
    ...     export_program(net, path)
    ...     program = torch.export.load(path).module()
    >>> image, level = torch.rand(1, 1, 30, 40), torch.tensor([0.1])
    >>> torch.equal(program(image, level), net(image, level))
    True
    """
    plain, arguments, axes = _traceable(network, image_shape, psf_shape)
    with atomic_path(path, overwrite=overwrite) as temporary, _size_oblivious():
        torch.export.save(torch.export.export(plain, arguments, dynamic_shapes=_unnamed(axes)), temporary)


def _traceable(
    network: nn.Module, image_shape: Sequence[int], psf_shape: Sequence[int]
) -> tuple[nn.Module, tuple[torch.Tensor, ...], dict[str, dict[int, str]] | None]:
    """Return a copy of the network for tracing, example arguments, and their dynamic axes."""
    if not isinstance(network, Denoiser | UnrolledHQS | UDN):
        raise TypeError(f"network must be a Denoiser, an UnrolledHQS or a UDN, got {type(network).__name__}")
    plain = copy.deepcopy(network).cpu().float().eval().requires_grad_(False)
    plain = plain.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    if isinstance(network, Denoiser):
        batch, height, width = _TRACED
        channels = network.unet.head.in_channels // network.unet.fold**2
        example = torch.rand(batch, channels, height, width), torch.full((batch,), 0.1)
        return plain, example, {"image": {0: "batch", 2: "height", 3: "width"}, "noise_level": {0: "batch"}}
    frame, kernel = _sides(image_shape, "image_shape"), _sides(psf_shape, "psf_shape")
    if any(k > size for k, size in zip(kernel, frame, strict=True)):
        raise ValueError(f"psf_shape {kernel} is larger than image_shape {frame}")
    psf = torch.full(kernel, 1 / (kernel[0] * kernel[1]))
    return plain, (torch.rand(1, 1, *frame), psf, torch.full((1,), 0.01)), None


def _size_oblivious() -> Any:
    """Return a context in which tracing does not specialize on the example's sizes."""
    return symbolic_shapes.patch(backed_size_oblivious=True)  # type: ignore[attr-defined]


def _sides(shape: Sequence[int], name: str) -> tuple[int, int]:
    sides = tuple(int(side) for side in shape)
    if len(sides) != 2 or min(sides) < 1:
        raise ValueError(f"{name} must be two positive integers, got {shape}")
    return sides[0], sides[1]


def _unnamed(axes: dict[str, dict[int, str]] | None) -> Any:
    dynamic = torch.export.Dim.DYNAMIC
    return None if axes is None else {name: dict.fromkeys(which, dynamic) for name, which in axes.items()}
