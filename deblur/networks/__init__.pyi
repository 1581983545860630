from ._denoiser import Denoiser as Denoiser
from ._dilated import DilatedDenoiser as DilatedDenoiser
from ._udn import UDN as UDN
from ._unet import UNet as UNet
from ._unrolled import UnrolledHQS as UnrolledHQS
from ._weights import load as load
from ._weights import pretrained as pretrained
from ._weights import save as save
