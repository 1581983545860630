"""Stacks on disk: volumes, time series and channels, read and written in parts, with the axes and sizes of the file."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
