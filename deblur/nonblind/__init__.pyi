from ._estimate_noise import estimate_noise as estimate_noise
from ._richardson_lucy import richardson_lucy as richardson_lucy
from ._unsupervised_wiener import Posterior as Posterior
from ._unsupervised_wiener import unsupervised_wiener as unsupervised_wiener
from ._wiener import wiener as wiener
