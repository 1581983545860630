from . import blind as blind
from . import networks as networks
from . import nonblind as nonblind
from . import operators as operators
from . import photo as photo
from . import psf as psf
from ._result import Restoration as Restoration
from .restoration._array import restore as restore
from .restoration._windows import Tiling as Tiling
from .restoration._windows import restore_large as restore_large

__version__: str
