"""Point-spread functions, which describe the blur of an image.

Make one from a formula (`gaussian`, `disk`, `motion` and others, microscopes included; or any of them from a line of
text with `parse`) or from images of beads (`from_beads`), read and write one (`load`, `read`, `save`), make a measured
one ready for an image (`prepare`, and its parts `mend`, `resampled_to` and `fit`), and adjust it (`center`,
`normalize`, `pad_to`, `resample`, `radially_averaged`, `estimate_support`, `validate`). A point-spread function is a
plain array; its center is the index k//2 of every axis.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
