"""Confidence of an estimate."""

import math

import numpy as np
import pytest
import torch

from deblur.blind._sparse_edges.confidence import assess
from deblur.blind._sparse_edges.judge import Candidate
from deblur.blind._sparse_edges.search import SearchResult
from deblur.psf import camera_shake, gaussian

from ..cases import unclipped

SHAKE = camera_shake(11, shape=21, seed=1)
IMAGE = torch.zeros(8, 8)


def result(
    best: np.ndarray,
    *,
    gain: float = 0.3,
    margin: float = 0.2,
    agreement: float = 0.5,
    image: torch.Tensor = IMAGE,
    misfit: float = 0.0,
) -> SearchResult:
    """A search that found a kernel whose restoration is sparser by `gain`."""
    found = Candidate(torch.from_numpy(best), image, 1.0, 0.3, misfit)
    unblurred = Candidate(torch.ones(1, 1), image, 1.0, 0.3 * math.exp(gain))
    return SearchResult(found, [], margin, agreement, unblurred, unclipped(image), (slice(None), slice(None)))


def test_the_gain_is_how_much_sparser_the_restoration_is() -> None:
    assert result(SHAKE, gain=0.25).gain == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("found", "is_usable", "reason"),
    [
        (result(SHAKE), True, ""),
        (result(SHAKE, margin=0.0, agreement=0.9), True, ""),
        (result(SHAKE, gain=0.05), False, "no single motion"),
        (result(SHAKE, gain=0.15, margin=0.01), False, "no single motion"),
        (result(SHAKE, margin=0.02), True, "nearly as well"),
        (result(SHAKE, misfit=0.05**2), True, "only roughly"),
        (result(gaussian(0.8, shape=11)), False, "no single motion"),
        (result(gaussian(5.0)), False, "out of focus"),
        (result(gaussian((0.3, 4.0))), True, ""),
        (result(np.hstack([gaussian(4.0), gaussian(4.0)])), False, "several pieces"),
        (result(np.hstack([SHAKE, SHAKE])), True, ""),
        (result(np.random.default_rng(0).uniform(0, 1, (35, 35))), False, "out of focus"),
    ],
    ids=[
        *("clear", "found twice", "in vain", "doubtful", "divided", "rough", "sharp"),
        *("a blob", "a streak", "two blobs", "a broken path", "noise"),
    ],
)
def test_assessments(found: SearchResult, is_usable: bool, reason: str) -> None:
    assessment = assess(found, 0.01)
    assert assessment.is_usable is is_usable
    assert reason in assessment.reason
    assert (assessment.reason == "") == (assessment.confidence == 1)


def test_a_clearer_winner_is_surer() -> None:
    found = [result(SHAKE, margin=each, agreement=0.3) for each in (-0.01, 0.0, 0.01, 0.04, 0.2)]
    sure = [assess(each, 0.01).confidence for each in found]
    assert sure == sorted(sure)
    assert (sure[0], sure[-1]) == (0, 1)


def test_two_searches_that_find_the_more_alike_are_the_surer_unless_it_is_in_pieces() -> None:
    broken = np.hstack([SHAKE, np.zeros((SHAKE.shape[0], 3)), SHAKE])
    for agreement, whole in ((0.4, 0.0), (0.625, 0.5), (0.8, 1.0)):
        assert assess(result(SHAKE, margin=0.0, agreement=agreement), 0.01).confidence == pytest.approx(whole)
    assert assess(result(broken, margin=0.0, agreement=0.625), 0.01).confidence == 0


def test_noise_makes_strokes_wider() -> None:
    stroke = result(np.ones((6, 10)) / 60, agreement=0.9)
    assert not assess(stroke, 0.001).is_usable
    assert assess(stroke, 0.02).is_usable


def test_pictures_far_below_black_are_doubted() -> None:
    ringing = torch.linspace(-1, 1, 10_000).reshape(100, 100)
    assessment = assess(result(SHAKE, margin=0.05, image=ringing), 0.01)
    assert not assessment.is_usable
    assert "rings" in assessment.reason
    # A large kernel that has clearly won may ring too: what is restored with it in the end tells.
    assert assess(result(SHAKE, image=ringing), 0.01).is_usable
