"""Processes in place of the real workers: they start at once, and do what the file that they are given says."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

FACTS = {"suffix": ".png", "width": 1, "height": 1, "depth": "uint8"}


def main(connection: Connection, folder: Path, *options: Any) -> None:
    """Answer tasks as `deblur.web._child.main` does."""
    connection.send(("ready",))
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        if task is None:
            continue
        name, arguments = task
        connection.send(answer(connection, name, arguments))


def answer(connection: Connection, name: str, arguments: dict[str, Any]) -> tuple[Any, ...]:
    data = arguments.get("data", b"")
    if data == b"hang":
        time.sleep(2 * 120)  # longer than any test waits
    if data == b"wait":  # until it is interrupted
        connection.recv()
        return ("interrupted",)
    if data == b"die":
        raise SystemExit
    return "done", {} if name == "thumbnails" else FACTS
