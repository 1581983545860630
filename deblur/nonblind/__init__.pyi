from ._estimate_noise import estimate_noise as estimate_noise
from ._plug_and_play import adm as adm
from ._plug_and_play import plug_and_play as plug_and_play
from ._richardson_lucy import richardson_lucy as richardson_lucy
from ._unrolled import unrolled as unrolled
from ._unsupervised_wiener import Posterior as Posterior
from ._unsupervised_wiener import unsupervised_wiener as unsupervised_wiener
from ._wiener import wiener as wiener
