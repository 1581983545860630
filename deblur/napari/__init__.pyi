from ._widget import RestoreWidget as RestoreWidget
