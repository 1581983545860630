"""Images larger than memory, in blocks of a Dask graph; needs the extra ``dask``."""

from deblur.restoration._dask import restore

__all__ = ["restore"]
