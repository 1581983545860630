"""Settings of `selfdeblur`: as published, or faster."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class SelfDeblurSettings:
    """Settings of `selfdeblur`. The defaults are the published ones; ``dataclasses.replace`` makes others.

    Attributes
    ----------
    num_iter : tuple of int
        Iterations at each scale, coarsest first; every scale has half the pixels per side of the next. Scales at which
        the image would be smaller than 32 pixels are left out.
    width, across, depth : int
        Of the image generator, an hourglass: channels at every scale, channels handed across from its encoder, and
        how many times it halves the size.
    image_rate, kernel_rate : float
        Step sizes of Adam for the two generators; halved after 2/5, 3/5 and 4/5 of the iterations of a scale.
    squares : float
        Part of the iterations of a scale in which the squared error is minimized; then it is 1 - SSIM.
    jitter : float
        Standard deviation of the noise added to the input of the image generator, anew in every iteration; the input
        is between 0 and 0.1.
    total_variation : float
        Weight of the mean absolute difference of neighboring pixels, in noise levels.
    average : float
        Decay of the moving average of the iterates that is returned; with 0 it is the last one.
    patience : int or None
        Stop a scale when the moving variance of the iterates (over about ten of them) has had no new minimum for so
        many iterations, and return the average at the minimum (Wang et al., "Early stopping for deep image prior",
        TMLR 2023); None never stops early.
    reduced_precision : bool
        Whether the image generator computes in bfloat16 where that is fast.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Examples
    --------
    >>> import dataclasses
    >>> from deblur.blind import SELFDEBLUR_PRESETS
    >>> longer = dataclasses.replace(SELFDEBLUR_PRESETS["paper"], num_iter=(20000,))
    >>> longer.width
    128
    """

    num_iter: tuple[int, ...] = (5000,)
    width: int = 128
    across: int = 16
    depth: int = 5
    image_rate: float = 1e-2
    kernel_rate: float = 1e-4
    squares: float = 0.2
    jitter: float = 1e-3
    total_variation: float = 0.0
    average: float = 0.0
    patience: int | None = None
    reduced_precision: bool = False

    def __post_init__(self) -> None:
        if not self.num_iter or any(count < 1 for count in self.num_iter):
            raise ValueError(f"num_iter must have a number of at least 1 for every scale, got {self.num_iter}")
        for name in ("width", "across", "depth", "patience"):
            value = getattr(self, name)
            if value is not None and value < (2 if name == "width" else 1):
                raise ValueError(f"{name} must be at least {2 if name == 'width' else 1}, got {value}")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and not 0 <= value < float("inf"):
                raise ValueError(f"{field.name} must be finite and not negative, got {value}")
        for name in ("squares", "average"):
            if getattr(self, name) > 1:
                raise ValueError(f"{name} must be at most 1, got {getattr(self, name)}")


SELFDEBLUR_PRESETS = {
    "paper": SelfDeblurSettings(),
    "fast": SelfDeblurSettings(
        num_iter=(300, 400, 400),
        width=32,
        across=4,
        squares=0.1,
        average=0.97,
        patience=300,
        total_variation=1.0,
        reduced_precision=True,
    ),
}
"""Settings of `selfdeblur` by name: as published, and for a processor (python -m benchmarks.quality.selfdeblur)."""
