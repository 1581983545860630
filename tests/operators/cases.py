"""One registry of operators; every suite of this folder walks through it."""

import itertools
from collections.abc import Callable

import numpy as np
import torch

from deblur.operators import (
    Convolution,
    ConvolutionBank,
    Crop,
    Differences,
    Downsample,
    FramedConvolution,
    Identity,
    LinearOperator,
    Mask,
    MaxUnpool,
    Pad,
    ProductConvolution,
    Stack,
    StridedConvolution,
    SubPixel,
    TiledConvolution,
    Upsample,
)

SAME = ("circular", "zero", "reflect", "replicate", "causal")
KERNELS = {
    1: [(1,), (2,), (3,), (4,), (11,)],
    2: [(1, 1), (2, 2), (3, 3), (4, 4), (1, 5), (5, 1), (2, 5), (9, 11)],
    3: [(1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4), (1, 5, 1), (5, 1, 2), (6, 5, 7)],
}
SHAPES = {1: (9,), 2: (7, 8), 3: (5, 4, 6)}  # the last kernel of each list is larger
SHAPES_FOR_VALID = {1: (13,), 2: (10, 13), 3: (7, 8, 9)}


def random(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def convolutions() -> dict[str, Callable[[], LinearOperator]]:
    cases: dict[str, Callable[[], LinearOperator]] = {}
    for ndim, method in itertools.product((1, 2, 3), ("direct", "fft")):
        for sizes, boundary in itertools.product(KERNELS[ndim], (*SAME, "full", "valid")):
            shape = (SHAPES_FOR_VALID if boundary == "valid" else SHAPES)[ndim]
            name = f"{'x'.join(map(str, sizes))}-{boundary}-{method}"
            cases[f"Convolution-{name}"] = lambda t=sizes, s=shape, b=boundary, m=method: Convolution(
                random(t), s, b, method=m
            )
            if max(sizes) < 6:
                cases[f"Bank-{name}"] = lambda t=sizes, s=shape, b=boundary, m=method: ConvolutionBank(
                    random((2, 3, *t)), s, b, method=m
                )
    for ndim, sizes, shape in (
        (1, (3,), (9,)),
        (1, (4,), (30,)),
        (2, (2, 3), (7, 8)),
        (3, (2, 1, 3), (5, 4, 6)),
    ):
        for boundary, method in itertools.product((*SAME, "full", "valid"), ("gemm", "overlap-save")):
            if method == "overlap-save" and ndim > 1:
                continue
            cases[f"Bank-{ndim}d-{shape[0]}-{boundary}-{method}"] = lambda t=sizes, s=shape, b=boundary, m=method: (
                ConvolutionBank(random((2, 3, *t)), s, b, method=m)
            )
    for method in ConvolutionBank.methods:
        cases[f"Bank-lead-{method}"] = lambda m=method: ConvolutionBank(random((4, 2, 3, 3)), (9,), "causal", method=m)
    for method in ("direct", "fft"):
        cases[f"Convolution-batch-{method}"] = lambda m=method: Convolution(
            random((2, 3, 4)), (6, 7), "reflect", method=m
        )
        cases[f"Convolution-center-{method}"] = lambda m=method: Convolution(
            random((3, 4)), (6, 7), "zero", center=(0, 3), method=m
        )
        cases[f"Convolution-prime-period-{method}"] = lambda m=method: Convolution(
            random((3, 4)), (23, 17), "circular", method=m
        )
    for ndim, lead in itertools.product((1, 2, 3), ((), (2,))):
        cases[f"Framed-{ndim}d-{len(lead)}"] = lambda n=ndim, lead=lead: FramedConvolution(
            random((*lead, *(3, 2, 4)[:n])), (9, 7, 6)[:n], (5, 7, 3)[:n]
        )
    return cases


def strided() -> dict[str, Callable[[], LinearOperator]]:
    cases: dict[str, Callable[[], LinearOperator]] = {}
    for ndim, stride, padding, dilation, groups in itertools.product((1, 2, 3), (1, 2, 3), (0, 2), (1, 2), (1, 2)):
        cases[f"Strided-{ndim}d-s{stride}-p{padding}-d{dilation}-g{groups}"] = (
            lambda n=ndim, o=(stride, padding, dilation, groups): StridedConvolution(
                random((4, 4 // o[3], *(3, 2, 3)[:n])),
                (7, 6, 5) if n == 3 else (10, 8)[:n],
                stride=o[0],
                padding=o[1],
                dilation=o[2],
                groups=o[3],
            )
        )
    return cases


def max_unpool(ndim: int) -> LinearOperator:
    pool = [torch.nn.functional.max_pool1d, torch.nn.functional.max_pool2d, torch.nn.functional.max_pool3d][ndim - 1]
    x = torch.from_numpy(random((2, *(6, 4, 8)[:ndim])))
    _, indices = pool(x, 2, return_indices=True)
    return MaxUnpool(indices, x.shape[1:])


def others() -> dict[str, Callable[[], LinearOperator]]:
    cases: dict[str, Callable[[], LinearOperator]] = {
        "Identity": lambda: Identity((3, 4)),
        "Mask": lambda: Mask(random((4, 5))),
        "Crop": lambda: Crop((6, 7), (3, 4)),
        "Crop-start": lambda: Crop((6, 7), (3, 4), start=(0, 3)),
        "Downsample": lambda: Downsample((7, 9), (2, 3)),
        "Downsample-offset": lambda: Downsample((7,), 3, offset=2),
        "Composition": lambda: Crop((6, 7), (3, 4)) @ Convolution(random((4, 4)), (6, 7)),
        "Gram": lambda: (a := Convolution(random((3, 3)), (6, 7), "reflect")).T @ a,
        "Sum": lambda: 2 * Convolution(random((3, 3)), (6, 7)) - Convolution(random((2, 2)), (6, 7), "zero"),
        "Stack": lambda: Stack([Crop((5, 6), (3, 4), start=0), Crop((5, 6), (3, 4))]),
        "Adjoint": lambda: Pad((4, 5), 3, mode="reflect").T,
    }
    for mode in ("zero", "circular", "reflect", "replicate"):
        cases[f"Pad-{mode}"] = lambda m=mode: Pad((4, 5), [(2, 0), (7, 11)], mode=m)
    for boundary, ndim in itertools.product(("circular", "replicate", "zero"), (1, 2, 3)):
        cases[f"Differences-{boundary}-{ndim}d"] = lambda b=boundary, n=ndim: Differences((4, 5, 3)[:n], boundary=b)
    for ndim in (1, 2, 3):
        shape = (3, 4, 2)[:ndim]
        cases[f"Upsample-nearest-{ndim}d"] = lambda s=shape: Upsample(s, 3)
        for corners in (False, True):
            cases[f"Upsample-linear-{ndim}d-{corners}"] = lambda s=shape, c=corners: Upsample(
                s, 2, mode="linear", align_corners=c
            )
        cases[f"SubPixel-{ndim}d"] = lambda s=shape: SubPixel(2, s, 3)
        cases[f"MaxUnpool-{ndim}d"] = lambda n=ndim: max_unpool(n)
    return cases


def varying() -> dict[str, Callable[[], LinearOperator]]:
    cases: dict[str, Callable[[], LinearOperator]] = {}
    for method, (shape, sizes, tiles) in itertools.product(
        ("direct", "fft"), [((13,), (4,), (3,)), ((9, 10), (3, 4), (2, 3)), ((7, 6, 5), (2, 3, 3), (3, 1, 2))]
    ):
        ndim = len(shape)
        for boundary in ("circular", "reflect", "valid"):
            cases[f"Product-{ndim}d-{boundary}-{method}"] = lambda s=shape, k=sizes, b=boundary, m=method: (
                ProductConvolution(random((3, *k)), random((3, *s), 1), b, method=m)
            )
        for boundary in ("zero", "valid", "full"):
            cases[f"Tiled-{ndim}d-{boundary}-{method}"] = lambda s=shape, k=sizes, t=tiles, b=boundary, m=method: (
                TiledConvolution(random((*t, *k)), s, b, method=m)
            )
    return cases


OPERATORS = {**convolutions(), **strided(), **others(), **varying()}
BILINEAR = [name for name in OPERATORS if name.split("-")[0] in ("Convolution", "Framed", "Bank", "Strided")]
