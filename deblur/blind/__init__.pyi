from ._result import BlindResult as BlindResult
from ._selfdeblur import selfdeblur as selfdeblur
from ._selfdeblur_settings import SELFDEBLUR_PRESETS as SELFDEBLUR_PRESETS
from ._selfdeblur_settings import SelfDeblurSettings as SelfDeblurSettings
