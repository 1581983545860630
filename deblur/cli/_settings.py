"""Restoration settings of the command line."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deblur.cli._noise import parse_background, parse_noise, read_bad_pixels, read_mask
from deblur.cli._options import parse_psf_size
from deblur.restoration._registry import AUTO, BLURS, ROWS, default_method, find_method

if TYPE_CHECKING:
    import numpy as np

METHODS = tuple(row.name for row in ROWS)


def method_help() -> str:
    """Return the help of --method, from the registry."""
    known, blind = (", ".join(row.name for row in ROWS if row.blind == each) for each in (False, True))
    return (
        "auto takes the method that measures best: unrolled for photographs, richardson-lucy for counts and volumes, "
        f"without a PSF blind, which finds out the kind of the blur. With a PSF: {known}. Without: {blind}, or any of "
        "the others with the PSF that is estimated."
    )


def methods_epilog() -> str:
    """Return a table of the methods, a line each, for the end of a help page."""
    return "\b\nMethods:\n" + "\n".join(f"  {row.name:<22} {row.summary}" for row in ROWS)


@dataclass(frozen=True)
class Data:
    """What the samples of the pictures are, and which of them count; None where the files decide.

    Attributes
    ----------
    kind : str or None
        "photo" or "counts".
    mask : numpy.ndarray or None
        True where pixels are used, of the shape of the picture.
    bad_pixels : numpy.ndarray, str or None
        True where a pixel is bad, or "auto".
    background : float, str or None
        Light that is everywhere, in the unit of the file, or "auto".
    gain : float or None
        Electrons per count.
    read_noise : float or None
        Standard deviation of the noise of reading, in electrons.
    """

    kind: str | None = None
    mask: np.ndarray | None = field(default=None, repr=False, compare=False)
    bad_pixels: np.ndarray | str | None = field(default=None, repr=False, compare=False)
    background: float | str | None = None
    gain: float | None = None
    read_noise: float | None = None

    @classmethod
    def parse(
        cls,
        kind: str | None,
        mask: str | None,
        bad_pixels: str | None,
        background: str | None,
        gain: float | None,
        read_noise: float | None,
    ) -> Data:
        """Check what the command line gives, or raise `ValueError`."""
        if kind is not None:
            from deblur.restoration._kinds import KINDS

            if kind not in KINDS:
                raise ValueError(f"--kind must be {' or '.join(KINDS)}, got {kind!r}")
        used = None if mask is None else read_mask(Path(mask))
        return cls(kind, used, read_bad_pixels(bad_pixels), parse_background(background), gain, read_noise)

    def options(self) -> dict[str, Any]:
        """Return the keywords for `deblur.restore_photo` and `deblur.restore_stack`."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Settings:
    """A method of `deblur.restore` and its options; None where one was not given.

    Attributes
    ----------
    method : str
        "auto" or the name of a row of the registry.
    noise_level : str or None
        What is said of the noise, see `deblur.restore`.
    iterations : int or None
        Most iterations.
    linear : bool or None
        Whether to restore linear light.
    psf_size : tuple of int or None
        Largest size of the PSF, where it is to be estimated.
    memory : int or None
        Most bytes to hold; if given, TIFF pictures are restored by windows.
    floats : bool
        Whether stacks are written in 32-bit floats.
    processes : int
        How many share the memory of this machine, where `memory` is not given.
    device : str
        Where to compute: auto, cpu, cuda, mps.
    data : Data
        What the samples are, and which of them count.
    blur : str
        The kind of the blur, where its PSF is to be estimated.
    """

    method: str = AUTO
    noise_level: str | None = None
    iterations: int | None = None
    linear: bool | None = None
    psf_size: tuple[int, int] | None = None
    memory: int | None = None
    floats: bool = False
    processes: int = 1
    device: str = "auto"
    data: Data = field(default_factory=Data)
    blur: str = AUTO

    @classmethod
    def parse(
        cls,
        method: str,
        noise_level: str,
        iterations: int | None,
        linear: bool | None,
        psf_size: str = "auto",
        memory: str | None = None,
        *,
        floats: bool = False,
        device: str = "auto",
        data: Data | None = None,
        blur: str = AUTO,
    ) -> Settings:
        """Check what the command line gives, or raise `ValueError`."""
        if blur not in BLURS:
            raise ValueError(f"--blur must be one of {', '.join(BLURS)}, got {blur!r}")
        name = method if method == AUTO else _named(method)
        if name == AUTO and blur != AUTO:
            name = BLURS[blur]
        if iterations is not None:
            _check_iterations(name, iterations)
        limit = None if memory is None else _memory(memory)
        data = data or Data()
        level = parse_noise(noise_level, data.gain, data.read_noise)
        size = parse_psf_size(psf_size)
        return cls(name, level, iterations, linear, size, limit, floats, device=device, data=data, blur=blur)

    def check_psf(self, *, given: bool) -> None:
        """Raise `ValueError` where options do not go with a PSF that is given, or with one that is not."""
        row = None if self.method == AUTO else find_method(self.method)
        if given and self.blur != AUTO:
            raise ValueError("--blur is for a PSF that is estimated; leave --psf out")
        if given and self.psf_size is not None:
            raise ValueError("--psf-size is for a PSF that is estimated; leave --psf out")
        if given and row is not None and row.blind:
            raise ValueError(f"--method {row.name} estimates the PSF itself; leave --psf out")
        if row is not None and row.blind and self.psf_size is not None and "psf_shape" not in row.parameters:
            raise ValueError(f"--method {row.name} finds the size of the PSF itself; leave --psf-size out")
        if row is not None and self.noise_level is not None and "noise_level" not in row.parameters:
            raise ValueError(f"--method {row.name} takes no noise level; leave --noise-level out")
        if not given and row is not None and "psf_shape" in row.required and self.psf_size is None:
            raise ValueError(f"--method {row.name} needs --psf-size")
        if not given and (self.memory is not None or self.floats):
            raise ValueError(f"{'--memory' if self.memory is not None else '--float32'} needs --psf")

    def options(self) -> dict[str, Any]:
        """Return the keywords for `deblur.restore_photo` and `deblur.restore_stack`."""
        options: dict[str, Any] = {"method": self.method, "noise_level": self.noise_level, "linear": self.linear}
        options["device"] = self.device
        if self.blur != AUTO:
            options["blur"] = self.blur
        if self.psf_size is not None:
            options["psf_shape"] = self.psf_size
        if self.iterations is not None:
            options[str(find_method(self.method).iterations)] = self.iterations
        return options | self.data.options()

    def likely_methods(self, psf_axes: int | None) -> tuple[str, ...]:
        """Return what auto may stand for with a PSF of so many axes, None without one; none if a method is given."""
        from deblur.restoration._kinds import KINDS

        if self.method != AUTO:
            return ()
        kinds = KINDS if self.data.kind is None else (self.data.kind,)
        cases = itertools.product((1, 1 << 20), kinds)
        return tuple(sorted({default_method((side,) * 3, psf_axes, kind).name for side, kind in cases}))


def _named(method: str) -> str:
    try:
        return find_method(method).name
    except ValueError as error:
        raise ValueError(f"--{error}") from None


def _check_iterations(name: str, iterations: int) -> None:
    iterative = [row.name for row in ROWS if not row.blind and row.iterations]
    if name not in iterative:
        raise ValueError(f"--iterations needs --method {', '.join(iterative[:-1])} or {iterative[-1]}, got {name}")
    fewest = find_method(name).fewest_iterations
    if iterations < fewest:
        raise ValueError(f"--iterations must be at least {fewest} for {name}, got {iterations}")


def _memory(text: str) -> int:
    from deblur._core.memory import parse_bytes

    try:
        return parse_bytes(text)
    except ValueError as error:
        raise ValueError(f"--{error}") from None
