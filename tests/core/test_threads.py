"""Independent computations side by side."""

import threading
from collections.abc import Iterator

import pytest
import torch

from deblur._core.threads import one_thread, side_by_side


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_are_in_the_order_of_the_items_and_counted(threads: int) -> None:
    counts: list[int] = []
    assert side_by_side(lambda item: item**2, range(20), counts.append) == [item**2 for item in range(20)]
    assert counts == list(range(1, 21))
    assert torch.get_num_threads() == threads
    assert side_by_side(lambda item: item, []) == []


def test_each_computes_with_one_thread_in_inference_mode(threads: int) -> None:
    def look(item: int) -> tuple[bool, int]:
        return torch.is_inference_mode_enabled(), torch.get_num_threads()

    assert side_by_side(look, range(5)) == [(True, 1)] * 5
    assert not torch.is_inference_mode_enabled()


def test_as_many_are_computed_at_a_time_as_torch_has_threads(threads: int) -> None:
    together = threading.Barrier(threads)
    side_by_side(lambda item: together.wait(timeout=60), range(2 * threads))


def test_an_exception_while_progress_is_reported_cancels_the_rest(threads: int) -> None:
    begun: list[int] = []

    def compute(item: int) -> None:
        begun.append(item)
        if item:
            threading.Event().wait(0.01)

    def cancel(count: int) -> None:
        raise InterruptedError("cancelled")

    with pytest.raises(InterruptedError, match="cancelled"):
        side_by_side(compute, range(1000), cancel)
    assert len(begun) < 1000
    assert torch.get_num_threads() == threads


def test_an_exception_of_a_computation_is_raised(threads: int) -> None:
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda item: 1 / item, [2, 1, 0, 1])
    assert torch.get_num_threads() == threads


def test_one_thread_ends_with_the_block(threads: int) -> None:
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == threads
