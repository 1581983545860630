"""Trainings of a second."""

import torch

from deblur.networks.training import DenoiserRecipe, Recipe, UDNRecipe, UnrolledRecipe

from ..cases import TINY

CPU = torch.device("cpu")


def denoiser(**changes) -> Recipe:
    return DenoiserRecipe(**({"steps": 6, "warm_up": 2} | TINY | changes))


def unrolled(**changes) -> Recipe:
    return UnrolledRecipe(**({"steps": 4, "warm_up": 2, "stages": 2, "from_denoiser": False} | TINY | changes))


def udn(**changes) -> Recipe:
    return UDNRecipe(**({"steps": 4, "warm_up": 2, "depth": 2, "width": 4} | changes))
