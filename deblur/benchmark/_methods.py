"""Methods by name: the library's own, those of other packages, and the user's, side by side."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from deblur._core.devices import resolve_device
from deblur._core.errors import suggestion
from deblur.restoration._registry import ROWS, find_method
from deblur.restoration._registry import Method as Row

from ._external import by_channel, load_function, parameters_of, restore_with
from ._samples import Estimate, Sample

Restore = Callable[[Sample], Estimate]

BALANCES = np.logspace(-3, 0.5, 15)
"""Candidates for `skimage.wiener`, whose balance has no default: every picture gets the one that scores best."""


@dataclass(frozen=True)
class Method:
    """A restoration method under test.

    Attributes
    ----------
    label : str
        Name in the results, with the given options.
    tries : tuple of callable
        Each maps a `Sample` to a `Estimate`. Where there are several, the best PSNR counts: an oracle's choice, an
        advantage over every method that has to choose by itself. Time is that of one, on average.
    blind : bool
        Whether it needs no PSF.

    Examples
    --------
    >>> from deblur.benchmark import method
    >>> method("richardson_lucy(num_iter=20)").label
    'richardson_lucy(num_iter=20)'
    """

    label: str
    tries: tuple[Restore, ...] = field(repr=False)
    blind: bool = False


def method_names() -> list[str]:
    """Names that `method` understands: the library's, then those of the packages that are installed.

    Examples
    --------
    >>> from deblur.benchmark import method_names
    >>> "wiener" in method_names(), "blurred" in method_names()
    (True, True)
    """
    return ["blurred", *(row.name.replace("-", "_") for row in ROWS if not row.required), *_PEERS]


def method(specification: str, *, device: str = "cpu") -> Method:
    """Look up a method by name, with options.

    Parameters
    ----------
    specification : str
        A name, or a call with keyword arguments that are literals: ``richardson_lucy(num_iter=100)``. It is parsed,
        not evaluated. Without options a method runs with its defaults, and estimates the noise level. A method of your
        own is ``FILE.py:FUNCTION``, with options too: the function is called with the blurred picture, float32, and
        with ``psf``, ``boundary`` and ``channel_axis`` where it has parameters of these names, and returns the restored
        picture, or a tuple of it and the PSF that it found. Without a parameter ``psf`` it is a blind method; without
        ``channel_axis`` it is called with one channel at a time. Its label ends in eight digits of the file's SHA-256.
    device : str
        Where the methods of this library compute, see `deblur.restore`; those of other packages use the CPU.

    Returns
    -------
    Method
        Labeled with the options in alphabetical order, and the device unless it is the CPU.

    Raises
    ------
    ValueError
        If the text is not a name or such a call, or there is no such method, option or device, or the file of a method
        of your own cannot be imported.
    FileNotFoundError
        If that file does not exist.

    Examples
    --------
    >>> from deblur.benchmark import method
    >>> method("wienr")
    Traceback (most recent call last):
    ...
    ValueError: method must be a known name, got 'wienr'; did you mean 'wiener'?
    """
    bare, bracket, rest = specification.partition("(")
    if ".py:" in bare:
        file, _, function = bare.strip().rpartition(":")
        return _of_user(file, *_parse(function + bracket + rest))
    name, options = _parse(bare.replace("-", "_") + bracket + rest)
    label = _labeled(name, options)
    if name == "blurred":
        _check_options(name, options, [])
        return Method(label, (_blurred,), blind=True)
    if name in _PEERS:
        peer, accepted = _PEERS[name]
        _check_options(name, options, accepted)
        return Method(label, peer(options))
    try:
        row = find_method(name)
    except ValueError:
        raise ValueError(f"method must be a known name, got {name!r}; {suggestion(name, method_names())}") from None
    _check_options(name, options, list(row.parameters))
    where = resolve_device(device)
    if where.type != "cpu":  # scores differ in the last digits and times by more: these are results of their own
        label += f" on {where}"
    return Method(label, (partial(_restore, row, options, where),), blind=row.blind)


def _of_user(file: str, name: str, options: dict[str, Any]) -> Method:
    function, source = load_function(Path(file), name)
    accepted = parameters_of(function)
    _check_options(name, options, accepted)
    label = f"{_labeled(f'{file}:{name}', options)} #{source[:8]}"  # scores of another version are other scores
    return Method(label, (partial(restore_with, function, options),), "psf" not in accepted)


def _labeled(name: str, options: dict[str, Any]) -> str:
    return name if not options else f"{name}({', '.join(f'{k}={options[k]!r}' for k in sorted(options))})"


def _parse(specification: str) -> tuple[str, dict[str, Any]]:
    try:
        tree = ast.parse(specification.strip(), mode="eval").body
        call = tree if isinstance(tree, ast.Call) else ast.Call(tree, [], [])
        if call.args or any(keyword.arg is None for keyword in call.keywords) or not _is_name(call.func):
            raise ValueError
        return ast.unparse(call.func), {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
    except (SyntaxError, ValueError) as error:
        accepted = "a name, or a name with literal options as in richardson_lucy(num_iter=100)"
        raise ValueError(f"method must be {accepted}, got {specification!r}") from error


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and _is_name(node.value))


def _check_options(name: str, options: dict[str, Any], accepted: Sequence[str]) -> None:
    for option in options:
        if option not in accepted:
            hint = suggestion(option, accepted) if accepted else "it has none"
            raise ValueError(f"{name} has no option {option!r}; {hint}")


def _blurred(sample: Sample) -> Estimate:
    return Estimate(sample.blurred)


def _restore(row: Row, options: dict[str, Any], device: torch.device, sample: Sample) -> Estimate:
    known = {"boundary": sample.boundary, "channel_axis": sample.channel_axis}
    options = {key: value for key, value in known.items() if key in row.parameters} | options
    blurred, psf = (torch.from_numpy(each).to(device) for each in (sample.blurred, sample.psf))
    if row.blind:
        result = row.function(blurred, **options)
        confidence = result.confidence if result.changed else None
        return Estimate(result.image.cpu().numpy(), result.psf.cpu().numpy(), confidence)
    return Estimate(row.function(blurred, psf, **options).cpu().numpy())


# Other packages know no channel axis and no boundary: they get one channel at a time.


def _skimage_wiener(options: dict[str, Any], sample: Sample) -> Estimate:
    from skimage.restoration import wiener

    return by_channel(lambda channel: wiener(channel, sample.psf, clip=False, **options), sample)


def _skimage_richardson_lucy(options: dict[str, Any], sample: Sample) -> Estimate:
    from skimage.restoration import richardson_lucy

    return by_channel(lambda channel: richardson_lucy(np.clip(channel, 0, 1), sample.psf, **options), sample)


def _skimage_unsupervised_wiener(options: dict[str, Any], sample: Sample) -> Estimate:
    from skimage.restoration import unsupervised_wiener

    def restore(channel: np.ndarray) -> np.ndarray:
        return np.asarray(unsupervised_wiener(channel, sample.psf, clip=False, rng=0, **options)[0])

    return by_channel(restore, sample)


def _every_balance(options: dict[str, Any]) -> tuple[Restore, ...]:
    given = [options] if "balance" in options else [options | {"balance": float(balance)} for balance in BALANCES]
    return tuple(partial(_skimage_wiener, each) for each in given)


_PEERS: dict[str, tuple[Callable[[dict[str, Any]], tuple[Restore, ...]], list[str]]] = {
    "skimage.wiener": (_every_balance, ["balance", "reg"]),
    "skimage.richardson_lucy": (
        lambda options: (partial(_skimage_richardson_lucy, {"num_iter": 30} | options),),
        ["num_iter", "filter_epsilon"],
    ),
    "skimage.unsupervised_wiener": (
        lambda options: (partial(_skimage_unsupervised_wiener, options),),
        ["user_params"],
    ),
}
"""Peers: what makes their tries from options, and the options they have. scikit-image is always installed."""
