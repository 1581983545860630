"""Image deconvolution: operators with exact adjoints, point-spread functions, and restoration.

Everything is imported on first use, so ``import deblur`` is cheap.
"""

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
