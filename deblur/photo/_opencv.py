"""Pictures that OpenCV decodes, without its warnings on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Silence OpenCV, which writes about files to standard error by itself."""
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def decode(data: bytes) -> np.ndarray | None:
    """Decode an image to (height, width, channels), colors in RGB order; None if it cannot be."""
    with quiet_opencv():
        samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None:
        return None
    samples = samples.reshape(*samples.shape[:2], -1)
    return samples[..., {1: [0], 2: [0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[samples.shape[-1]]]


def in_its_order(page: np.ndarray) -> np.ndarray:
    """Return samples of shape (height, width, 1 to 4) as OpenCV encodes them."""
    # It cannot write gray with alpha, hence the three equal colors.
    order = {1: [0], 2: [0, 0, 0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[page.shape[-1]]
    return np.ascontiguousarray(page[..., order])
