"""Data sets and benchmarks: data, protocols, scores and reports.

`cards` lists the data sets; `get` downloads one, `verify` checks it, and the loaders return it as plain arrays.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
