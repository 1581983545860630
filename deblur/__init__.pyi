from . import blind as blind
from . import networks as networks
from . import nonblind as nonblind
from . import operators as operators
from . import photo as photo
from . import psf as psf
from ._result import Restoration as Restoration
from .restoration._array import restore as restore
from .restoration._large import restore_large as restore_large
from .restoration._photo import restore_photo as restore_photo
from .restoration._registry import methods as methods
from .restoration._stack import restore_stack as restore_stack

__version__: str
