"""Independent computations side by side, one thread each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def side_by_side(
    function: Callable[[Item], Result], items: Sequence[Item], done: Callable[[int], None] = lambda count: None
) -> list[Result]:
    """Return the results of a function for independent items, in their order.

    The transforms of small images gain little by several threads; several images, each with one thread, gain all.

    Parameters
    ----------
    function : callable
        Called in inference mode, from as many threads at a time as torch has.
    items : sequence
        Its arguments.
    done : callable
        ``done(count)``, called from the calling thread after each result. Raising an exception cancels the rest.

    Examples
    --------
    >>> side_by_side(lambda size: torch.ones(size).sum().item(), [1, 2, 3])
    [1.0, 2.0, 3.0]
    """
    threads = min(torch.get_num_threads(), len(items))
    results: list[Result] = []

    def call(item: Item) -> Result:
        with torch.inference_mode():
            return function(item)

    if threads <= 1:
        for item in items:
            results.append(call(item))
            done(len(results))
        return results
    with one_thread(), ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        futures = [pool.submit(call, item) for item in items]
        try:
            for future in futures:
                results.append(future.result())
                done(len(results))
        finally:
            pool.shutdown(cancel_futures=True)
    return results
