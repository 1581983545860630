"""Linear and bilinear maps with exact adjoints: blurring, sampling, cropping and differences of images.

An operator knows `A(x)` and `A.T(y)`; it never inverts. `A.T` of a convolution is what deep-learning frameworks call
a transposed convolution. Undoing `A` is restoration: see `deblur.nonblind`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
