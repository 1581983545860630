from . import torchnmf as torchnmf
