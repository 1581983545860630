"""Methods by name: the library's own, and those of other packages, side by side."""

from __future__ import annotations

import ast
import difflib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from ._protocols import Restored
from ._samples import Sample

Restore = Callable[[Sample], Restored]

BALANCES = np.logspace(-3, 0.5, 15)
"""What `skimage.wiener` is tried at: its balance has no default, so every picture gets the one that scores best."""


@dataclass(frozen=True)
class Method:
    """Something that restores a picture.

    Attributes
    ----------
    label : str
        What results call it: its name, and its options where they were given.
    tries : tuple of callable
        Each maps a `Sample` to a `Restored`. Where there are several, the best PSNR counts: an oracle's choice, an
        advantage over every method that has to choose by itself. Time is that of one, on average.
    blind : bool
        Whether it does without the PSF.

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
    return ["blurred", *_library(), *_PEERS]


def method(specification: str) -> Method:
    """Look up a method, with options where it has them.

    Parameters
    ----------
    specification : str
        A name, or a call with keyword arguments that are literals: ``richardson_lucy(num_iter=100)``. It is parsed,
        not evaluated. Without options a method runs with its defaults, and is told no noise level.

    Returns
    -------
    Method
        Labeled with the options in alphabetical order.

    Raises
    ------
    ValueError
        If the text is not a name or such a call, or there is no such method or option; the message suggests one.

    Examples
    --------
    >>> from deblur.benchmark import method
    >>> method("wienr")
    Traceback (most recent call last):
    ...
    ValueError: method must be a known name, got 'wienr'; did you mean 'wiener'?
    """
    name, options = _parse(specification)
    label = name if not options else f"{name}({', '.join(f'{k}={options[k]!r}' for k in sorted(options))})"
    if name == "blurred":
        _check_options(name, options, [])
        return Method(label, (_blurred,), blind=True)
    if name in _PEERS:
        peer, accepted = _PEERS[name]
        _check_options(name, options, accepted)
        return Method(label, peer(options))
    found = _library().get(name)
    if found is None:
        raise ValueError(f"method must be a known name, got {name!r}; {nearest(name, method_names())}")
    function = getattr(import_module(found), name)
    accepted = [p for p, kind in inspect.signature(function).parameters.items() if p not in ("image", "psf")]
    _check_options(name, options, accepted)
    blind = found == "deblur.blind"
    return Method(label, (partial(_restore, found, name, options, blind),), blind=blind)


def nearest(name: str, names: Sequence[str]) -> str:
    """Suggest the name most like `name`, or list all."""
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"


def _library() -> dict[str, str]:
    """Name to package of the library's methods: functions of (image, psf), and blind ones of (image)."""
    found = {}
    for package in ("deblur.nonblind", "deblur.blind"):
        if find_spec(package) is None:
            continue
        module = import_module(package)
        for name in module.__all__:
            function = getattr(module, name)
            if inspect.isfunction(function) and _takes_picture(function, package == "deblur.blind"):
                found[name] = package
    return found


def _takes_picture(function: Callable[..., Any], blind: bool) -> bool:
    required = [p.name for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    return required == (["image"] if blind else ["image", "psf"])


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
            hint = nearest(option, accepted) if accepted else "it has none"
            raise ValueError(f"{name} has no option {option!r}; {hint}")


def _blurred(sample: Sample) -> Restored:
    return Restored(sample.blurred)


def _restore(package: str, name: str, options: dict[str, Any], blind: bool, sample: Sample) -> Restored:
    function = getattr(import_module(package), name)
    known = {"boundary": sample.boundary, "channel_axis": sample.channel_axis}
    accepted = inspect.signature(function).parameters
    options = {key: value for key, value in known.items() if key in accepted} | options
    result = function(sample.blurred, **options) if blind else function(sample.blurred, sample.psf, **options)
    image = result if isinstance(result, np.ndarray) else getattr(result, "mean" if hasattr(result, "std") else "image")
    return Restored(image, result.psf if blind else None)


# Other packages know no channel axis and no boundary: they get one channel at a time.


def _by_channel(function: Callable[[np.ndarray], np.ndarray], sample: Sample) -> Restored:
    if sample.channel_axis is None:
        return Restored(function(sample.blurred))
    channels = [function(channel) for channel in np.moveaxis(sample.blurred, sample.channel_axis, 0)]
    return Restored(np.stack(channels, axis=sample.channel_axis))


def _skimage_wiener(options: dict[str, Any], sample: Sample) -> Restored:
    from skimage.restoration import wiener

    return _by_channel(lambda channel: wiener(channel, sample.psf, clip=False, **options), sample)


def _skimage_richardson_lucy(options: dict[str, Any], sample: Sample) -> Restored:
    from skimage.restoration import richardson_lucy

    return _by_channel(lambda channel: richardson_lucy(np.clip(channel, 0, 1), sample.psf, **options), sample)


def _skimage_unsupervised_wiener(options: dict[str, Any], sample: Sample) -> Restored:
    from skimage.restoration import unsupervised_wiener

    def restore(channel: np.ndarray) -> np.ndarray:
        return np.asarray(unsupervised_wiener(channel, sample.psf, clip=False, rng=0, **options)[0])

    return _by_channel(restore, sample)


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
