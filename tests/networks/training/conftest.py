from pathlib import Path

import cv2
import pytest
import skimage.data

from deblur.networks.training import Photographs


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three photographs of different sizes, one gray."""
    folder = tmp_path_factory.mktemp("photographs")
    pictures = {
        "astronaut.png": skimage.data.astronaut()[:230, 100:330],
        "cat.jpg": skimage.data.cat()[50:120, 100:300],
        "camera.png": skimage.data.camera()[100:260, 150:310],
    }
    for name, picture in pictures.items():
        cv2.imwrite(str(folder / name), picture[..., ::-1] if picture.ndim == 3 else picture)
    return [folder / name for name in pictures]


@pytest.fixture(scope="session")
def photographs(files: list[Path]) -> Photographs:
    return Photographs(files)
