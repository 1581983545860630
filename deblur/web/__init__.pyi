from ._app import make_app as make_app
from ._limits import Limits as Limits
from ._serve import serve as serve
