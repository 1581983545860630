"""The one wording of the parameters that the methods of `deblur.nonblind` share."""

TABLE = {
    "image": (
        "numpy.ndarray or torch.Tensor",
        "Blurred image, shape ``(*batch, *space)``; integers are scaled to [0, 1].",
    ),
    "psf": (
        "numpy.ndarray or torch.Tensor",
        "Point-spread function; its last `ndim` axes are spatial, as the image's are. Axes before them are a batch, "
        "one PSF per image.",
    ),
    "noise_level": (
        "float or NoiseModel, optional",
        "Standard deviation of the noise, in the unit of the image; estimated if None.",
    ),
    "boundary": (
        '{"unknown", "circular"}',
        "How the scene continues past the image: unknown, and estimated along with it, or periodically.",
    ),
    "weights": (
        "numpy.ndarray or torch.Tensor, optional",
        "Weight of each sample, at least 0, broadcastable to `image`: 0 for defective samples, whose values are "
        "ignored.",
    ),
    "channel_axis": ("int, optional", "Axis of the channels, if there is one."),
    "ndim": ("int, optional", "Number of spatial axes, 1 to 3; all axes of the PSF if None."),
    "progress": (
        "callable, optional",
        "``progress(fraction, stage)`` is called with the completed fraction of the work, 0 to 1, and what is being "
        "done; an exception that it raises cancels the work.",
    ),
    "callback": (
        "callable, optional",
        "``callback(iteration, estimate, objective)`` is called after each iteration; returning True stops.",
    ),
}
"""Type and description by name; a method may add sentences of its own."""

PLANE = {
    "image": (
        "numpy.ndarray or torch.Tensor",
        "Blurred image, shape ``(*batch, height, width)``; integers are scaled to [0, 1].",
    ),
    "psf": (
        "numpy.ndarray or torch.Tensor",
        "Point-spread function, shape ``(rows, columns)``; axes before them are a batch, one PSF per image.",
    ),
    "ndim": ("int, optional", "Number of spatial axes, which must be 2."),
}
"""What differs for methods that take images of two axes only."""
