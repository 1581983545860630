"""The dock widget: which layer, what blurred it, how to restore it; the work is done in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox, Container, Label, LineEdit, ProgressBar, PushButton
from napari.layers import Image
from napari.qt.threading import WorkerBase, create_worker
from qtpy.QtCore import QTimer

from deblur.napari._planes import StoppedError, restore_array

if TYPE_CHECKING:
    from napari.components import ViewerModel

Restored = tuple[np.ndarray, np.ndarray, str]
"""What `restore_array` returns."""

SOURCES = ("the image (blind)", "a layer", "a text")
_INTERVAL = 100  # milliseconds between two looks at how far it is


class RestoreWidget(Container):
    """Restore the selected image layer.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the layers are, and to which the result is added.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        import deblur

        self._viewer = viewer
        self._worker: WorkerBase | None = None
        self._part, self._is_stopped = 0.0, False
        self.image = ComboBox(label="image", choices=self._images)
        self.source = ComboBox(label="PSF from", choices=SOURCES, value=SOURCES[0])
        self.psf_layer = ComboBox(label="PSF layer", choices=self._images, visible=False)
        self.psf_text = LineEdit(label="PSF", value="gaussian:sigma=2", visible=False)
        self.psf_text.tooltip = "As `deblur psf make --help` has it: disk:radius=4, motion:length=15,angle=30 ..."
        self.method = ComboBox(label="method", choices=("auto", *deblur.methods()), value="auto")
        self.start = PushButton(text="Restore")
        self.stop = PushButton(text="Stop", enabled=False)
        self.progress = ProgressBar(min=0, max=100, value=0)
        self.status = Label(value="")
        super().__init__(
            widgets=[
                self.image,
                self.source,
                self.psf_layer,
                self.psf_text,
                self.method,
                self.start,
                self.stop,
                self.progress,
                self.status,
            ]
        )
        self.source.changed.connect(self._show_source)
        self.start.changed.connect(self._start)
        self.stop.changed.connect(self._stop)
        self._timer = QTimer()
        self._timer.timeout.connect(self._show_progress)
        viewer.layers.events.inserted.connect(self._refresh)
        viewer.layers.events.removed.connect(self._refresh)
        viewer.layers.selection.events.active.connect(self._follow_selection)
        self._follow_selection()

    def _images(self, widget: Any = None) -> list[Image]:
        return [layer for layer in self._viewer.layers if isinstance(layer, Image)]

    def _refresh(self, event: Any = None) -> None:
        self.image.reset_choices()
        self.psf_layer.reset_choices()

    def _follow_selection(self, event: Any = None) -> None:
        self._refresh()
        active = self._viewer.layers.selection.active
        if isinstance(active, Image):
            self.image.value = active

    def _show_source(self, source: str) -> None:
        self.psf_layer.visible, self.psf_text.visible = source == SOURCES[1], source == SOURCES[2]

    def _psf(self) -> np.ndarray | None:
        from deblur import psf

        if self.source.value == SOURCES[0]:
            return None
        if self.source.value == SOURCES[2]:
            return psf.parse(self.psf_text.value)
        if self.psf_layer.value is None or self.psf_layer.value is self.image.value:
            raise ValueError("choose the layer of the PSF; it is another than the image")
        kernel = np.squeeze(_data(self.psf_layer.value)).astype(float)
        psf.validate(kernel)
        return kernel

    def _start(self) -> None:
        layer = self.image.value
        if layer is None:
            self.status.value = "open an image first"
            return
        try:
            kernel = self._psf()
        except (ValueError, TypeError) as error:
            self.status.value = str(error)
            return
        self._part, self._is_stopped = 0.0, False
        self.start.enabled, self.stop.enabled = False, True
        self.status.value = f"restoring {layer.name}"
        self._worker = create_worker(self._restore, layer, kernel, self.method.value, _start_thread=False)
        self._worker.returned.connect(lambda result: self._show(layer, kernel is None, result))
        self._worker.finished.connect(self._finish)
        self._timer.start(_INTERVAL)
        self._worker.start()

    def _restore(self, layer: Image, psf: np.ndarray | None, method: str) -> Restored | str:
        """Restore, or say why not; in the thread. What is not expected is left to napari, which shows it."""
        try:
            return restore_array(_data(layer), psf, method, is_color=layer.rgb, advance=self._advance)
        except StoppedError:
            return "stopped"
        except (ValueError, TypeError, OSError, MemoryError) as error:
            return str(error) or "not enough memory"

    def _advance(self, part: float) -> None:  # in the thread: widgets must not be touched here
        self._part = part
        if self._is_stopped:
            raise StoppedError

    def _show_progress(self) -> None:
        self.progress.value = round(100 * self._part)

    def _stop(self) -> None:
        self._is_stopped = True
        self.status.value = "stopping"

    def _show(self, layer: Image, is_estimated: bool, result: Restored | str) -> None:
        if isinstance(result, str):
            self.status.value = result
            return
        restored, psf, self.status.value = result
        self._viewer.add_layer(
            Image(
                restored,
                name=f"{layer.name} restored",
                rgb=layer.rgb,
                scale=layer.scale,
                translate=layer.translate,
                units=layer.units,
                contrast_limits=None if layer.rgb else layer.contrast_limits,
                **({} if layer.rgb else {"colormap": layer.colormap}),
            )
        )
        if is_estimated:
            self._viewer.add_layer(Image(psf, name=f"PSF of {layer.name}", visible=False))

    def _finish(self) -> None:
        self._timer.stop()
        self._show_progress()
        self.start.enabled, self.stop.enabled = True, False
        self._worker = None


def _data(layer: Image) -> np.ndarray:
    """Return the pixels of a layer, those of the finest level of a pyramid."""
    return np.asarray(layer.data[0] if layer.multiscale else layer.data)
