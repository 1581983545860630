"""Networks and a scene small enough to test much with."""

import skimage.data
import torch

TINY = {"widths": (8, 16), "depths": (1, 1), "decoder_depth": 1}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rand(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=seeded(seed))


def photograph(height: int, width: int) -> torch.Tensor:
    """A piece of a photograph, shape ``(1, 1, height, width)``, in [0, 1]."""
    return torch.from_numpy(skimage.data.camera()[100 : 100 + height, 100 : 100 + width] / 255.0).float()[None, None]


def lively(model: torch.nn.Module) -> torch.nn.Module:
    """Biases too, so that nothing is zero by chance."""
    generator = seeded(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def silent_parameters(model: torch.nn.Module) -> list[str]:
    """The names of the parameters that no gradient has reached."""
    return [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
