from ._fast import fast as fast
from ._parametric import defocus as defocus
from ._parametric import motion as motion
from ._result import BlindResult as BlindResult
from ._richardson_lucy import richardson_lucy as richardson_lucy
