"""The sRGB transfer curve, both ways, which the point-spread functions need too."""

from deblur._core.srgb import from_linear, to_linear

__all__ = ["from_linear", "to_linear"]
