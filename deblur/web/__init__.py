"""Web page to restore photographs in a browser, served from this machine. Needs the extra ``web``."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
