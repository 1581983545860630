"""Networks in files: round trips, and the errors for unusable files."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from deblur.networks import UDN, Denoiser, UnrolledHQS, _tensors, _weights, load, pretrained, save

from .cases import TINY, lively, rand

SHIPPED = _weights.weights_folder()


def denoiser() -> torch.nn.Module:
    torch.manual_seed(0)
    return lively(Denoiser(**TINY))


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (Denoiser(3, **TINY), {"channels": 3, **TINY}),
        (UnrolledHQS(2, **TINY), {"stages": 2, **TINY}),
        (UDN(2, width=8), {"depth": 2, "width": 8}),
    ],
)
def test_round_trip(tmp_path: Path, model: torch.nn.Module, settings: dict) -> None:
    lively(model)
    save(tmp_path / "a.safetensors", model, settings, {"steps": 7})
    again = load(tmp_path / "a.safetensors")
    assert type(again) is type(model)
    assert not again.training
    expected = model.state_dict()
    assert again.state_dict().keys() == expected.keys()
    for name, value in again.state_dict().items():
        if value.is_floating_point():
            assert value.dtype == torch.float32
            assert not value.requires_grad
            assert torch.equal(value, expected[name].half().float())
        else:
            assert torch.equal(value, expected[name])
    meta, _ = _tensors.read_tensors(tmp_path / "a.safetensors")
    assert json.loads(meta["facts"]) == {"steps": 7}
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_rounding_hardly_shows(tmp_path: Path) -> None:
    save(tmp_path / "a.safetensors", denoiser(), TINY)
    x, level = rand(1, 1, 32, 32), torch.tensor([0.1])
    with torch.no_grad():
        # 11 bits of a weight, some ten layers: a few thousandths of what is taken for noise, which is about 1 here.
        torch.testing.assert_close(load(tmp_path / "a.safetensors")(x, level), denoiser()(x, level), rtol=0, atol=0.01)


def test_a_file_is_replaced_only_with_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"a\.safetensors"):
        save(path, denoiser(), TINY)
    assert path.read_text() == "mine"
    save(path, denoiser(), TINY, overwrite=True)
    load(path)


def test_others_may_read_it(tmp_path: Path) -> None:
    (tmp_path / "ordinary").touch()
    save(tmp_path / "a.safetensors", denoiser(), TINY)
    assert (tmp_path / "a.safetensors").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_only_our_networks_are_saved(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="model must be one of Denoiser, UnrolledHQS, UDN, got Linear"):
        save(tmp_path / "a.safetensors", torch.nn.Linear(1, 1), {})
    assert not list(tmp_path.iterdir())


def damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def tensors_of_something_else(path: Path) -> None:
    save_file({"a": torch.zeros(3)}, path)


def settings_of(**settings: object) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        tensors = denoiser().state_dict()
        save_file(tensors, path, {"kind": "denoiser", "settings": json.dumps(settings)})

    return write


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (Path.unlink, "there is no file .*a.safetensors"),
        (damaged, "a.safetensors is damaged, or is no safetensors file"),
        (lambda path: path.write_bytes(b""), "a.safetensors is damaged, or is no safetensors file"),
        (
            lambda path: path.write_text("this is no network " * 99),
            "a.safetensors is damaged, or is no safetensors file",
        ),
        (tensors_of_something_else, r"a.safetensors holds no network of this package \(denoiser, unrolled, udn\)"),
        (settings_of(**(TINY | {"widths": (8, 24)})), "a.safetensors does not fit its settings: .*size mismatch"),
        (settings_of(**(TINY | {"depths": (1,)})), "a.safetensors does not fit its settings: widths and depths"),
        (settings_of(depth=3), "a.safetensors does not fit its settings: .*depth"),
        (lambda path: save_file({}, path, {"kind": "udn"}), "a.safetensors does not fit its settings: 'settings'"),
    ],
)
def test_the_error_for_a_bad_file(tmp_path: Path, spoil: Callable[[Path], object], message: str) -> None:
    path = tmp_path / "a.safetensors"
    save(path, denoiser(), TINY)
    spoil(path)
    with pytest.raises(ValueError, match=message) as error:
        load(path)
    assert "\n" not in str(error.value)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights like the one that ships."""
    save(tmp_path / "denoiser.safetensors", denoiser(), TINY)
    digest = hashlib.sha256((tmp_path / "denoiser.safetensors").read_bytes()).hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  denoiser.safetensors\n")
    monkeypatch.setattr(_weights, "weights_folder", lambda: tmp_path)
    return tmp_path


def test_pretrained_reads_the_shipped_weights(shipped: Path) -> None:
    network = pretrained("denoiser")
    assert isinstance(network, Denoiser)
    assert not network.training


def test_pretrained_lists_the_shipped_weights(shipped: Path) -> None:
    with pytest.raises(ValueError, match="there are weights for denoiser, not for 'denoisr'"):
        pretrained("denoisr")


def test_pretrained_names_a_file_that_was_changed(shipped: Path) -> None:
    path = shipped / "denoiser.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    found = hashlib.sha256(content).hexdigest()
    with pytest.raises(
        ValueError, match=f"denoiser.safetensors is not the file that was shipped: its SHA-256 is {found}"
    ):
        pretrained("denoiser")


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("denoiser.safetensors", damaged, "denoiser.safetensors is not the file that was shipped"),
        ("denoiser.safetensors", Path.unlink, "denoiser.safetensors is missing; install the package again"),
        ("SHA256SUMS", Path.unlink, "SHA256SUMS is missing; install the package again"),
    ],
)
def test_pretrained_names_a_file_that_is_missing_or_cut(
    shipped: Path, name: str, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(shipped / name)
    with pytest.raises(ValueError, match=message):
        pretrained("denoiser")


def test_shipped_weights_are_intact_and_small() -> None:
    sums = dict(reversed(line.split()) for line in (SHIPPED / "SHA256SUMS").read_text().splitlines())
    files = sorted(SHIPPED.glob("*.safetensors"))
    assert sums == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert sum(path.stat().st_size for path in files) < 10e6
    assert {"denoiser.safetensors", "unrolled.safetensors"} <= sums.keys()
    for path in files:
        assert all(p.isfinite().all() for p in pretrained(path.stem).parameters())


def test_loading_weights_does_not_import_the_compiler_of_torch() -> None:
    load_one = "import sys; from deblur.networks import pretrained; pretrained('unrolled')"
    code = f"{load_one}; print('torch._dynamo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
