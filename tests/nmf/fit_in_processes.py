"""The program of each process of test_distributed.py; started by torchrun."""

import sys

import numpy as np
import torch
import torch.distributed as dist

import nmf


def columns(T: int) -> slice:
    """Return the columns of this process; the first has fewer than the last."""
    rank, size = dist.get_rank(), dist.get_world_size()
    borders = [0, *(T * k // size - 11 for k in range(1, size)), T]
    return slice(borders[rank], borders[rank + 1])


def fit(case: dict, V: object) -> dict:
    """Fit the part of this process, and return the result."""
    data = V if torch.is_tensor(V) else np.load(V, mmap_mode="r")
    mine = columns(data.shape[-1])
    options = {name: x[..., mine] if name in ("mask", "weights") else x for name, x in case["fit"].items()}
    kind, H = getattr(nmf, case.get("kind", "NMF")), case["H"]
    # Every process draws other templates, of which those of the first are used.
    drawn = {"W": case["W"]} if "W" in case else {"shape": data[..., mine].shape, "seed": dist.get_rank()}
    model = kind(**drawn, H=None if H is None else H[..., mine], rank=3, dtype=torch.float64, **case.get("module", {}))
    part = data.to_dense()[..., mine].to_sparse() if torch.is_tensor(data) and data.is_sparse else data[..., mine]
    if "only in the last" in case and dist.get_rank() == dist.get_world_size() - 1:
        options |= case["only in the last"]
    if case.get("callback"):
        options["callback"] = lambda iteration, factors, value: iteration == 6 and dist.get_rank() == 1
    try:
        result = model.fit(part, process_group=dist.group.WORLD, **options)
    except ValueError as error:
        return {"error": str(error)}
    return {"W": model.W.detach(), "H": model.H.detach(), "history": result.history, "n_iter": result.n_iter}


if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    cases, folder = torch.load(sys.argv[1], weights_only=False), sys.argv[2]
    found = {name: fit(case, case["V"]) for name, case in cases.items()}
    torch.save(found, f"{folder}/{dist.get_rank()}.pt")
    dist.destroy_process_group()
