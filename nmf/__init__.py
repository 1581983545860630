"""Non-negative matrix factorization and deconvolution in PyTorch.

Non-negative data V, such as a spectrogram, are modeled as the product of templates W and activations H, or as their
convolution. Everything is imported on first use; a plain fit needs torch, numpy, scipy and lazy-loader only.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
