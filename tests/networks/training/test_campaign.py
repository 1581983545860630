"""The weights of the training campaign, from which the next training starts."""

import hashlib
from pathlib import Path

import pytest

from deblur.networks.training import DenoiserRecipe, read_start
from deblur.networks.training._start import start_from

FOLDER = Path(__file__).parents[3] / "campaign"


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the campaign's weights are in the repository only")
def test_a_training_can_start_from_the_campaign() -> None:
    digest, name = (FOLDER / "SHA256SUMS").read_text().split()
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest
    start = read_start(FOLDER / name, "denoiser")
    assert start.steps > 15_000  # it counts on from the denoiser that ships
    assert start.pixels > 0
    start_from(DenoiserRecipe().model(), start.model)
