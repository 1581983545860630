from . import blind as blind
from . import networks as networks
from . import nonblind as nonblind
from . import operators as operators
from . import photo as photo
from . import psf as psf
from ._large import Tiling as Tiling
from ._large import restore_large as restore_large
from ._restore import Restoration as Restoration
from ._restore import restore as restore

__version__: str
