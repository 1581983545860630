from . import nonblind as nonblind
from . import operators as operators
from . import photo as photo
from . import psf as psf

__version__: str
