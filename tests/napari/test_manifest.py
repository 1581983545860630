"""What napari reads of the plugin before it imports it."""

from importlib import metadata, resources

import pytest


def test_entry_point_leads_to_the_manifest() -> None:
    (entry,) = (e for e in metadata.entry_points(group="napari.manifest") if e.name == "deblur-toolkit")
    module, _, file = entry.value.partition(":")
    assert resources.files(module).joinpath(file).is_file()


def test_manifest_is_valid() -> None:
    npe2 = pytest.importorskip("npe2", reason="the extra napari is not installed")
    manifest = npe2.PluginManifest.from_distribution("deblur-toolkit")
    assert manifest.name == "deblur-toolkit"
    commands = {command.id: command.python_name for command in manifest.contributions.commands}
    assert [commands[widget.command] for widget in manifest.contributions.widgets] == ["deblur.napari:RestoreWidget"]


def test_what_it_names_exists() -> None:
    pytest.importorskip("napari", reason="the extra napari is not installed")
    npe2 = pytest.importorskip("npe2", reason="the extra napari is not installed")
    manifest = npe2.PluginManifest.from_distribution("deblur-toolkit")
    manifest.validate_imports()
