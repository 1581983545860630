"""Confidence of an estimate."""

import math

import numpy as np
import pytest
import torch

from deblur.blind._sparse_edges.confidence import assess
from deblur.blind._sparse_edges.judge import Candidate
from deblur.blind._sparse_edges.search import SearchResult
from deblur.psf import camera_shake, disk, gaussian

from ..cases import unclipped

SHAKE = camera_shake(11, shape=21, seed=1)
IMAGE = torch.zeros(8, 8)


def result(best: np.ndarray, others: list[np.ndarray], gain: float, image: torch.Tensor = IMAGE) -> SearchResult:
    """A search that found kernels whose restoration is sparser by `gain`."""
    found = [Candidate(torch.from_numpy(each), image, 1.0, 0.3) for each in (best, *others)]
    unblurred = Candidate(torch.ones(1, 1), image, 1.0, 0.3 * math.exp(gain))
    return SearchResult(found[0], found[1:], unblurred, unclipped(image))


def test_the_gain_is_how_much_sparser_the_restoration_is() -> None:
    assert result(SHAKE, [], 0.25).gain == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("best", "other", "gain", "is_usable", "reason"),
    [
        (SHAKE, SHAKE, 0.3, True, ""),
        (SHAKE, SHAKE, 0.05, False, "no one motion"),
        (SHAKE, disk(8, shape=21), 0.15, False, "no one motion"),
        (SHAKE, disk(8, shape=21), 0.3, True, "different estimates"),
        (gaussian(0.8, shape=11), gaussian(0.8, shape=11), 0.3, False, "not blurred"),
        (disk(10, shape=21), disk(10, shape=21), 0.3, True, "larger"),
    ],
    ids=["clear", "in vain", "doubtful", "divided", "sharp", "cramped"],
)
def test_assessments(best: np.ndarray, other: np.ndarray, gain: float, is_usable: bool, reason: str) -> None:
    assessment = assess(result(best, [other], gain))
    assert assessment.is_usable is is_usable
    assert reason in assessment.reason
    assert (assessment.reason == "") == (assessment.confidence == 1)


def test_pictures_far_below_black_are_not_believed() -> None:
    assessment = assess(result(SHAKE, [], 0.3, torch.linspace(-1, 1, 10_000).reshape(100, 100)))
    assert not assessment.is_usable
    assert "rings" in assessment.reason
