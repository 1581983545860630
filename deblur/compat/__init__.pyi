from . import skimage as skimage
from ._deepinv import from_deepinv as from_deepinv
from ._deepinv import to_deepinv as to_deepinv
from ._matrix_free import from_pylops as from_pylops
from ._matrix_free import from_scipy as from_scipy
from ._matrix_free import to_pylops as to_pylops
