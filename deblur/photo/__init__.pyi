from ._linear import from_linear as from_linear
from ._linear import to_linear as to_linear
from ._photo import SUFFIXES as SUFFIXES
from ._photo import Photo as Photo
from ._photo import detect_suffix as detect_suffix
from ._photo import read as read
from ._photo import write as write
