"""Conversion of operators from and to other packages, and their interfaces to the methods of this one."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
