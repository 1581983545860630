"""Which edges of a scene a kernel is estimated from."""

import itertools
import math

import pytest
import torch

from deblur.blind._sparse_edges.edges import Edges, all_edges, strongest_edges, useful_edges
from deblur.blind._view import gradients

from ..cases import unclipped

SHAPE = (9, 7)


def random(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("rule", [all_edges, useful_edges, strongest_edges])
def test_edges_are_kept_as_they_are_or_left_out_and_more_of_them_from_turn_to_turn(rule: Edges) -> None:
    view = unclipped(random(60, 70))
    slopes = gradients(view.y)
    select = rule(view, SHAPE)
    turns = [select(slopes, part / 9) for part in range(10)]
    assert all(bool(((each == slopes) | (each == 0)).all()) for each in turns)
    kept = [each != 0 for each in turns]
    assert all(bool((later | ~earlier).all()) for earlier, later in itertools.pairwise(kept))


@pytest.mark.parametrize("rule", [all_edges, useful_edges])
def test_at_the_end_all_edges_count(rule: Edges) -> None:
    view = unclipped(random(60, 70))
    slopes = gradients(view.y)
    assert torch.equal(rule(view, SHAPE)(slopes, 1.0), slopes)


def test_an_edge_between_wide_areas_is_useful_and_a_narrow_line_is_not() -> None:
    x = 0.01 * random(60, 90)
    x[:, 30:60] += 1
    x[:, 75] += 1
    slopes = gradients(x)
    kept = useful_edges(unclipped(x), SHAPE)(slopes, 0.0)[0]
    assert torch.equal(kept[:, [29, 59]], slopes[0][:, [29, 59]])
    assert not bool(kept[:, [74, 75]].any())


def test_the_strongest_edges_of_every_direction_are_kept_however_faint() -> None:
    rows, columns, directions = 80, 200, 4
    values = random(rows, columns).abs()
    angles = (torch.arange(directions) + 0.5) * math.pi / directions
    slopes = torch.zeros(2, rows, columns)
    for number, angle in enumerate(angles):
        part = slice(number * columns // directions, (number + 1) * columns // directions)
        contrast = values[:, part] * 10.0**-number
        slopes[:, :, part] = torch.stack([contrast * angle.cos(), contrast * angle.sin()])
    kept = strongest_edges(unclipped(values), SHAPE)(slopes, 0.0)[0] != 0
    strength = slopes.square().sum(0)
    for part, faint in zip(kept.chunk(directions, 1), strength.chunk(directions, 1), strict=True):
        assert int(part.sum()) >= 20 * max(SHAPE)
        assert float(faint[part].min()) >= float(faint[~part].max() if bool((~part).any()) else 0)
    assert int(kept.chunk(directions, 1)[-1].sum()) == 20 * max(SHAPE)
