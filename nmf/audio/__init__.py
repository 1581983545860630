"""Factorization of sound: files, spectrograms, musical initialization, separation.

Reading and writing files needs ``soundfile``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
