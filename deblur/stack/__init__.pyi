from ._model import Stack as Stack
from ._stack import TIFF_SUFFIXES as TIFF_SUFFIXES
from ._stack import create_stack as create_stack
from ._stack import is_stack as is_stack
from ._stack import open_stack as open_stack
