"""The search for small kernels at full size."""

import torch

from deblur.blind._kernels import similarity
from deblur.blind._settings import Settings
from deblur.blind._sparse_edges.judge import Candidate
from deblur.blind._sparse_edges.ladder import choose, climb
from deblur.psf import camera_shake, disk

from ..cases import BLUR, shaken, unclipped


def test_of_nearly_equal_candidates_one_that_is_not_cramped_is_chosen() -> None:
    cramped, free = (torch.from_numpy(each) for each in (disk(10, shape=21), camera_shake(11, shape=21, seed=1)))
    image = torch.zeros(8, 8)
    sparsities = [(cramped, 0.3), (free, 0.3003), (free, 0.3006), (free, 0.2991)]
    candidates = [Candidate(psf, image, 1.0, sparsity) for psf, sparsity in sparsities]
    assert choose(candidates) == 1
    assert choose([*candidates, Candidate(cramped, image, 1.0, 0.27)]) == 4


def test_ringing_candidates_and_such_that_explain_little_are_not_chosen() -> None:
    free = torch.from_numpy(camera_shake(11, shape=21, seed=1))
    image, ringing = torch.zeros(50, 50), torch.linspace(-1, 1, 2500).reshape(50, 50)
    sound = Candidate(free, image, 1.0, 0.4)
    assert choose([Candidate(free, ringing, 1.0, 0.2), sound]) == 1
    assert choose([Candidate(free, image, 1.5, 0.2), sound]) == 1
    assert choose([Candidate(free, ringing, 1.0, 0.2)]) == 0


def test_a_small_kernel_is_found_within_the_size_that_is_given() -> None:
    found = climb(unclipped(torch.from_numpy(shaken()[0]).float()), Settings.for_noise(0.002), (15, 13))
    assert all(side <= most for side, most in zip(found.shape, (15, 13), strict=True))
    assert similarity(found, torch.from_numpy(BLUR).float()) > 0.8
