from ._parametric import defocus as defocus
from ._parametric import motion as motion
from ._richardson_lucy import richardson_lucy as richardson_lucy
from ._selfdeblur.method import selfdeblur as selfdeblur
from ._selfdeblur.settings import SELFDEBLUR_PRESETS as SELFDEBLUR_PRESETS
from ._selfdeblur.settings import SelfDeblurSettings as SelfDeblurSettings
from ._sparse_edges.method import fast as fast
from ._sparse_edges.method import sparse_edges as sparse_edges
