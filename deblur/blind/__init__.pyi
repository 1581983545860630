from ._fast import fast as fast
from ._parametric import defocus as defocus
from ._parametric import motion as motion
from ._result import BlindResult as BlindResult
from ._richardson_lucy import richardson_lucy as richardson_lucy
from ._selfdeblur import selfdeblur as selfdeblur
from ._selfdeblur_settings import SELFDEBLUR_PRESETS as SELFDEBLUR_PRESETS
from ._selfdeblur_settings import SelfDeblurSettings as SelfDeblurSettings
