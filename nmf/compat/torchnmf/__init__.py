"""The interface of torchnmf 0.3.5: change ``import torchnmf`` to ``import nmf.compat.torchnmf as torchnmf``.

Class and function names, shapes, defaults and return values are those of torchnmf; the computation is that of `nmf`.
So fits do not depend on the unit of V, float64 stays float64, frozen factors do not change, and fits stop on the
penalized objective. The probabilistic models find the maximum a posteriori, with priors in units of V / sum(V).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
