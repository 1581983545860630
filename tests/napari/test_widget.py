"""The plugin, without a window: the widget works on a viewer that draws nothing."""

import os
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from skimage import data

from deblur import psf, restore
from deblur.operators import Convolution

pytest.importorskip("napari", reason="the extra napari is not installed")
pytest.importorskip("qtpy", reason="the extra napari is not installed")

from napari.components import ViewerModel
from napari.layers import Image
from qtpy.QtCore import QCoreApplication, QThreadPool
from qtpy.QtWidgets import QApplication

from deblur.napari import RestoreWidget
from deblur.napari._widget import SOURCES

BLUR = psf.parse("gaussian:sigma=1.5")


@pytest.fixture(scope="module", autouse=True)
def application() -> QApplication:
    return QApplication.instance() or QApplication([])


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def widget(viewer: ViewerModel) -> RestoreWidget:
    return RestoreWidget(viewer)


@pytest.fixture(scope="module")
def blurred() -> np.ndarray:
    """A picture as a camera gives it, of 12 of 16 bits."""
    picture = Convolution(BLUR, (96, 80), "reflect")(data.camera()[100:196, 200:280] / 255)
    return (4000 * picture).round().astype(np.uint16)


def run(widget: RestoreWidget) -> None:
    """Press the button, and wait for the thread and what it sends."""
    widget.start.native.click()
    QThreadPool.globalInstance().waitForDone(120_000)
    end = time.monotonic() + 120
    while not widget.start.enabled:
        assert time.monotonic() < end, "the work has not ended"
        QCoreApplication.processEvents()


def test_selected_layer_and_psf_from_a_text(viewer: ViewerModel, widget: RestoreWidget, blurred: np.ndarray) -> None:
    viewer.add_layer(Image(np.zeros((8, 8)), name="other"))
    layer = Image(blurred, name="cells", scale=(0.5, 0.5), translate=(3, 4), colormap="green")
    viewer.add_layer(layer)
    viewer.layers.selection.active = layer
    assert widget.image.value is layer
    widget.source.value, widget.psf_text.value, widget.method.value = SOURCES[2], "gaussian:sigma=1.5", "wiener"
    run(widget)
    added = viewer.layers["cells restored"]
    expected = restore(blurred / blurred.max(), BLUR, method="wiener").image * blurred.max()
    assert np.allclose(added.data, expected)
    assert added.scale.tolist() == [0.5, 0.5]
    assert added.translate.tolist() == [3, 4]
    assert added.colormap.name == "green"
    assert added.contrast_limits == layer.contrast_limits
    assert widget.status.value == "wiener"
    assert widget.progress.value == 100


def test_psf_from_a_layer_for_each_plane(viewer: ViewerModel, widget: RestoreWidget, blurred: np.ndarray) -> None:
    stack = np.stack([blurred, blurred[::-1]])
    viewer.add_layer(Image(stack, name="stack"))
    viewer.add_layer(Image(7 * BLUR, name="psf"))
    widget.image.value, widget.psf_layer.value = viewer.layers["stack"], viewer.layers["psf"]
    widget.source.value, widget.method.value = SOURCES[1], "richardson-lucy"
    run(widget)
    added = viewer.layers["stack restored"].data
    assert added.shape == stack.shape
    assert np.allclose(added[0], added[1][::-1], atol=1e-3 * stack.max())
    assert added[0].std() > 1.05 * blurred.std()


def test_blind_adds_the_psf_too(viewer: ViewerModel, widget: RestoreWidget, blurred: np.ndarray) -> None:
    viewer.add_layer(Image(blurred, name="cells"))
    run(widget)
    assert viewer.layers["cells restored"].data.shape == blurred.shape
    assert viewer.layers["PSF of cells"].data.sum() == pytest.approx(1, abs=1e-4)
    assert "confidence" in widget.status.value


def test_color(viewer: ViewerModel, widget: RestoreWidget) -> None:
    viewer.add_layer(Image(data.cat()[90:150, 130:200], name="cat", rgb=True))
    widget.source.value, widget.method.value = SOURCES[2], "wiener"
    run(widget)
    assert viewer.layers["cat restored"].rgb
    assert viewer.layers["cat restored"].data.shape == (60, 70, 3)


def test_stop(viewer: ViewerModel, widget: RestoreWidget, blurred: np.ndarray) -> None:
    viewer.add_layer(Image(np.stack(20 * [blurred]), name="stack"))
    widget.source.value, widget.method.value = SOURCES[2], "total-variation"
    widget.start.native.click()
    assert not widget.start.enabled
    widget.stop.native.click()
    QThreadPool.globalInstance().waitForDone(120_000)
    QCoreApplication.processEvents()
    assert widget.status.value == "stopped"
    assert widget.start.enabled
    assert "stack restored" not in viewer.layers
    assert widget.progress.value < 100


@pytest.mark.parametrize(
    ("source", "text", "message"),
    [
        (SOURCES[2], "disk:size=2", "unknown parameter 'size'"),
        (SOURCES[1], "", "choose the layer of the PSF"),
        (SOURCES[2], "gaussian:sigma=1x1x1", "the PSF has 3 axes and the image 2"),
    ],
)
def test_bad_input_is_said(
    viewer: ViewerModel, widget: RestoreWidget, blurred: np.ndarray, source: str, text: str, message: str
) -> None:
    viewer.add_layer(Image(blurred, name="cells"))
    widget.source.value, widget.psf_text.value = source, text
    run(widget)
    assert message in widget.status.value
    assert len(viewer.layers) == 1


def test_no_image(widget: RestoreWidget) -> None:
    run(widget)
    assert widget.status.value == "open an image first"
