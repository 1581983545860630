"""Point-spread functions in other programs' files: FITS, MATLAB, text, OME-TIFF, ImageJ, JPEG, BMP."""

from __future__ import annotations

import re
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import tifffile
from PIL import Image

from deblur import photo, psf

SHAKE = psf.camera_shake(15, seed=2)
STACK = psf.gaussian((2, 1, 1), (9, 7, 8))


@pytest.mark.parametrize("suffix", [".fits", ".fit", ".FTS"])
@pytest.mark.parametrize("kernel", [SHAKE, STACK, STACK.astype(np.float32)])
def test_fits(tmp_path: Path, kernel: np.ndarray, suffix: str) -> None:
    fits = pytest.importorskip("astropy.io.fits", reason="the package astropy")
    fits.PrimaryHDU(kernel).writeto(tmp_path / f"k{suffix}")
    found = psf.read(tmp_path / f"k{suffix}")
    assert (found.format, found.notes, found.psf.dtype) == ("FITS", (), kernel.dtype)
    np.testing.assert_array_equal(found.psf, kernel)


def test_fits_of_scaled_counts_in_an_extension(tmp_path: Path) -> None:
    fits = pytest.importorskip("astropy.io.fits", reason="the package astropy")
    counts = np.rint(SHAKE / SHAKE.max() * 60000)
    unit = fits.ImageHDU(counts[None].astype(np.float64))
    unit.scale("int16", bscale=2.0, bzero=32768)
    table = fits.BinTableHDU.from_columns([fits.Column(name="a", format="E", array=[1.0, 2.0])])
    fits.HDUList([fits.PrimaryHDU(), table, unit]).writeto(tmp_path / "k.fits")
    found = psf.read(tmp_path / "k.fits")
    assert found.notes == ("it is the array of unit 2",)
    assert found.psf.shape == SHAKE.shape
    np.testing.assert_allclose(found.psf, counts, atol=2)
    fits.PrimaryHDU(counts.astype(np.uint16)).writeto(tmp_path / "u.fits")  # 16 bits, as BZERO stores them
    np.testing.assert_allclose(psf.load(tmp_path / "u.fits"), counts / counts.sum())


def test_fits_with_nothing_to_read(tmp_path: Path) -> None:
    fits = pytest.importorskip("astropy.io.fits", reason="the package astropy")
    fits.PrimaryHDU().writeto(tmp_path / "empty.fits")
    empty = (tmp_path / "empty.fits").read_bytes()
    extension = fits.ImageHDU()
    fits.HDUList([fits.PrimaryHDU(), extension]).writeto(tmp_path / "one.fits")
    unit = (tmp_path / "one.fits").read_bytes()[len(empty) :]
    (tmp_path / "many.fits").write_bytes(empty + 1500 * unit)
    fits.PrimaryHDU(np.full((3, 3), np.nan)).writeto(tmp_path / "nan.fits")
    fits.PrimaryHDU(np.ones((2, 3, 4, 5))).writeto(tmp_path / "four.fits")
    whole = (tmp_path / "nan.fits").read_bytes()
    (tmp_path / "short.fits").write_bytes(whole[:2890])
    (tmp_path / "huge.fits").write_bytes(
        whole.replace(b"NAXIS1  =                    3", b"NAXIS1  =          99999999999"[:30])
    )
    (tmp_path / "packed.fits").write_bytes(b"\x1f\x8b" + bytes(100))
    for name, words in {
        "empty": "no array",
        "many": "its first 1000 units hold no array",
        "nan": "NaN",
        "four": "1 to 3 axes",
        "short": "not a readable FITS file",
        "huge": "too many for a PSF|not a readable FITS",
        "packed": "does not begin with SIMPLE",
    }.items():
        with pytest.raises(ValueError, match=words) as caught:
            psf.load(tmp_path / f"{name}.fits")
        assert f"{name}.fits" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_mat(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "k.mat", {"kernel": SHAKE, "sigma": 2.0, "note": "by hand", "options": {"a": 1}})
    found = psf.read(tmp_path / "k.mat")
    assert (found.format, found.notes) == ("MATLAB", ())
    np.testing.assert_array_equal(found.psf, SHAKE)
    np.testing.assert_array_equal(psf.load(f"{tmp_path}/k.mat:kernel"), SHAKE)
    whole = np.rint(SHAKE * 100)  # MATLAB stores such doubles as integers, and they are doubles still
    scipy.io.savemat(tmp_path / "w.mat", {"kernel": whole})
    np.testing.assert_array_equal(psf.load(tmp_path / "w.mat"), whole)


def test_mat_of_three_axes_has_its_planes_last(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "k.mat", {"kernel": np.moveaxis(STACK, 0, -1)}, do_compression=True)
    found = psf.read(tmp_path / "k.mat")
    assert found.notes == ("its last axis was taken for the planes, as in MATLAB",)
    np.testing.assert_array_equal(found.psf, STACK)


def test_mat_of_several_arrays_needs_a_name(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "k.mat", {"f": SHAKE, "x": np.ones((30, 40))})
    with pytest.raises(ValueError, match=r"several arrays, f \(\d+ x \d+\), x \(30 x 40\); name one, as in k.mat:f"):
        psf.load(tmp_path / "k.mat")
    np.testing.assert_array_equal(psf.load(f"{tmp_path}/k.mat:f"), SHAKE)
    with pytest.raises(ValueError, match="has no numeric array 'g'; there are f"):
        psf.load(f"{tmp_path}/k.mat:g")
    with pytest.raises(FileNotFoundError):
        psf.load(f"{tmp_path}/other.mat:g")


def mat_element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def mat_with(array_class: int, content: bytes, name: bytes = b"f") -> bytes:
    """Return a MATLAB 5 file with one variable of a class: 3 object, 16 function, 17 opaque."""
    header = b"MATLAB 5.0 MAT-file".ljust(116) + bytes(8) + struct.pack("<H", 0x0100) + b"IM"
    flags = mat_element(6, struct.pack("<II", array_class, 0))
    body = flags + (b"" if array_class == 17 else mat_element(5, struct.pack("<ii", 1, 1))) + mat_element(1, name)
    return header + mat_element(14, body + content)


@pytest.mark.parametrize("array_class", [3, 16, 17])
def test_objects_and_functions_in_mat_files_are_not_read(tmp_path: Path, array_class: int, monkeypatch) -> None:
    (tmp_path / "k.mat").write_bytes(mat_with(array_class, mat_element(1, b"anything") * 3))
    monkeypatch.setattr(scipy.io, "loadmat", lambda *a, **k: pytest.fail("read"))
    with pytest.raises(ValueError, match=r"k\.mat"):
        psf.load(tmp_path / "k.mat")


def test_mat_files_that_hold_no_psf(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "k.mat", {"kernels": np.array([SHAKE, 1], object), "name": "x"})
    with pytest.raises(ValueError, match=r"no numeric array, only kernels \(cell\), name \(char\)"):
        psf.load(tmp_path / "k.mat")
    scipy.io.savemat(tmp_path / "c.mat", {"k": SHAKE * 1j})
    with pytest.raises(ValueError, match="complex"):
        psf.load(tmp_path / "c.mat")
    good = tmp_path / "good.mat"
    scipy.io.savemat(good, {"k": SHAKE})
    for cut in (0, 50, 130, 200):
        (tmp_path / "cut.mat").write_bytes(good.read_bytes()[:cut])
        with pytest.raises(ValueError, match=r"cut\.mat"):
            psf.load(tmp_path / "cut.mat")


def test_mat_of_version_7_3(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="the package h5py")
    with h5py.File(tmp_path / "k.mat", "w", userblock_size=512) as file:
        file.create_dataset("kernel", data=SHAKE.T, compression="gzip").attrs["MATLAB_class"] = np.bytes_("double")
        file.create_dataset("name", data=np.frombuffer(b"ab", np.uint8)).attrs["MATLAB_class"] = np.bytes_("char")
        file.create_group("#refs#")
    np.testing.assert_array_equal(psf.load(tmp_path / "k.mat"), SHAKE)
    with h5py.File(tmp_path / "s.mat", "w") as file:
        file["kernel"] = np.moveaxis(STACK, 0, -1).T
    np.testing.assert_array_equal(psf.load(tmp_path / "s.mat"), STACK)


def test_mat_of_version_7_3_reads_no_other_file(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="the package h5py")
    np.save(tmp_path / "secret.npy", SHAKE)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["kernel"] = SHAKE
    with h5py.File(tmp_path / "k.mat", "w") as file:
        file["link"] = h5py.ExternalLink("other.h5", "/kernel")
        outside = [(str(tmp_path / "secret.npy"), 128, SHAKE.nbytes)]
        file.create_dataset("outside", SHAKE.shape, np.float64, external=outside)
        layout = h5py.VirtualLayout(SHAKE.shape, np.float64)
        layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "kernel", SHAKE.shape)
        file.create_virtual_dataset("virtual", layout)
    with pytest.raises(ValueError, match=r"no numeric array, only outside, virtual"):
        psf.load(tmp_path / "k.mat")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("k.txt", {}),
        ("k.csv", {"delimiter": ","}),
        ("k.csv", {"delimiter": ", "}),
        ("k.CSV", {"delimiter": ";"}),
        ("k.tsv", {"delimiter": "\t", "header": "by hand"}),
        ("k.txt", {"delimiter": ",", "newline": ",\r\n"}),
    ],
)
def test_tables(tmp_path: Path, name: str, options: dict) -> None:
    np.savetxt(tmp_path / name, SHAKE, **options)
    found = psf.read(tmp_path / name)
    assert found.format == "text"
    np.testing.assert_array_equal(found.psf, SHAKE)


def test_tables_with_decimal_commas_and_a_mark_of_the_byte_order(tmp_path: Path) -> None:
    (tmp_path / "k.csv").write_bytes("\ufeff0,25;0,5;0,25\r\n0;1;0\r\n".encode())
    np.testing.assert_array_equal(psf.load(tmp_path / "k.csv"), [[0.25, 0.5, 0.25], [0, 1, 0]])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# nothing\n",
        b"a b\n1 2\n",
        b"1 2\n3\n",
        b"1,2\n3;4\n",
        b"\xff\xfe\x00",
        b"1 nan\n",
        b"__import__('os')\n",
    ],
)
def test_texts_that_are_no_table(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "k.txt").write_bytes(content)
    with pytest.raises(ValueError, match=r"k\.txt") as caught:
        psf.load(tmp_path / "k.txt")
    assert "\n" not in str(caught.value)


SIZES = {"Z": 0.3, "Y": 0.1, "X": 0.12}


def test_voxel_sizes_of_ome_and_imagej(tmp_path: Path) -> None:
    stack = STACK.astype(np.float32)
    ome = {"axes": "ZYX"} | {f"PhysicalSize{axis}": size for axis, size in SIZES.items()}
    tifffile.imwrite(tmp_path / "k.ome.tif", stack, metadata=ome | {"PhysicalSizeZ": 300.0, "PhysicalSizeZUnit": "nm"})
    tifffile.imwrite(
        tmp_path / "k.tif",
        stack,
        imagej=True,
        resolution=(1 / 0.12, 1 / 0.1),
        metadata={"axes": "ZYX", "spacing": 0.3, "unit": "um"},
    )
    tifffile.imwrite(tmp_path / "plain.tif", stack, photometric="minisblack", resolution=(300, 300))
    for name, kind in (("k.ome.tif", "OME-TIFF"), ("k.tif", "ImageJ TIFF")):
        found = psf.read(tmp_path / name)
        assert found.format == kind
        assert found.voxel_size == pytest.approx(SIZES, rel=1e-6)
        np.testing.assert_array_equal(found.psf, stack)
    assert psf.read(tmp_path / "plain.tif").voxel_size == {}


def test_channels_are_refused_and_times_taken_for_planes(tmp_path: Path) -> None:
    stack = STACK.astype(np.float32)
    tifffile.imwrite(tmp_path / "c.ome.tif", stack[:3], metadata={"axes": "CYX"})
    with pytest.raises(ValueError, match="a PSF has one channel, got 3"):
        psf.load(tmp_path / "c.ome.tif")
    tifffile.imwrite(tmp_path / "n.ome.tif", stack)
    assert psf.read(tmp_path / "n.ome.tif").notes == ("its channels were taken for planes",)
    tifffile.imwrite(tmp_path / "t.tif", stack, imagej=True, metadata={"axes": "TYX"})
    assert psf.read(tmp_path / "t.tif").notes == ("its time points were taken for planes",)


def test_a_tiff_in_which_0_is_white(tmp_path: Path) -> None:
    counts = np.rint(SHAKE / SHAKE.max() * 255).astype(np.uint8)
    tifffile.imwrite(tmp_path / "k.tif", 255 - counts, photometric="miniswhite")
    found = psf.read(tmp_path / "k.tif")
    assert found.notes == ("0 is white in it, so its values were inverted",)
    np.testing.assert_allclose(found.psf, counts / counts.sum())


@pytest.mark.parametrize("suffix", [".bmp", ".jpg", ".jpeg"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_pictures(tmp_path: Path, suffix: str, mode: str) -> None:
    counts = np.rint(psf.gaussian(3, 25) / psf.gaussian(3, 25).max() * 255).astype(np.uint8)
    Image.fromarray(counts).convert(mode).save(tmp_path / f"k{suffix}", **({} if suffix == ".bmp" else {"quality": 98}))
    found = psf.read(tmp_path / f"k{suffix}")
    np.testing.assert_allclose(found.psf, counts / counts.sum(), atol=0 if suffix == ".bmp" else 3 / counts.sum())
    assert len(found.notes) == (suffix != ".bmp")
    color = np.stack([counts, counts, counts[::-1] // 2], -1)
    Image.fromarray(color).save(tmp_path / f"c{suffix}")
    with pytest.raises(ValueError, match="channels that differ"):
        psf.load(tmp_path / f"c{suffix}")
    (tmp_path / f"d{suffix}").write_bytes((tmp_path / f"k{suffix}").read_bytes()[:60])
    with pytest.raises(ValueError, match=f"d{suffix}"):
        psf.load(tmp_path / f"d{suffix}")


def test_the_jpeg_of_a_camera_is_decoded_to_linear_light(tmp_path: Path) -> None:
    light = psf.gaussian(4, 41)
    counts = np.rint(photo.from_linear(light / light.max()) * 255).astype(np.uint8)
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    Image.fromarray(counts).save(tmp_path / "k.jpg", quality=100, exif=exif)
    found = psf.read(tmp_path / "k.jpg")
    assert found.notes[1].startswith("a camera wrote it")
    assert found.psf.sum() == pytest.approx(1)
    np.testing.assert_allclose(found.psf, light, atol=0.02 * light.max())


def test_palettes_are_refused_or_resolved(tmp_path: Path) -> None:
    counts = np.rint(SHAKE / SHAKE.max() * 255).astype(np.uint8)
    picture = Image.fromarray(counts).convert("P")
    for suffix in (".bmp", ".png"):
        picture.save(tmp_path / f"k{suffix}")
        np.testing.assert_allclose(psf.load(tmp_path / f"k{suffix}"), counts / counts.sum())
    picture.save(tmp_path / "k.tif")
    with pytest.raises(ValueError, match="palette"):
        psf.load(tmp_path / "k.tif")


def test_an_array_file_that_asks_for_terabytes_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "k.npy").open("wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (10**7, 10**6)}
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(ValueError, match=r"k\.npy.*too many for a PSF"):
        psf.load(tmp_path / "k.npy")


def test_pictures_that_are_too_large_are_not_decoded(tmp_path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(tmp_path / "k.bmp")
    with pytest.raises(ValueError, match=r"too many for a PSF|decompression bomb"):
        psf.load(tmp_path / "k.bmp")


@pytest.mark.parametrize(("suffix", "package", "extra"), [(".fits", "astropy", "fits"), (".mat", "h5py", "mat")])
def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch, suffix: str, package: str, extra: str) -> None:
    from deblur._core.extras import install_command

    starts = {".fits": b"SIMPLE  =                    T", ".mat": b"\x89HDF\r\n\x1a\n"}
    (tmp_path / f"k{suffix}").write_bytes(starts[suffix])
    for name in (package, *(name for name in sys.modules if name.startswith(f"{package}."))):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=re.escape(install_command(extra))) as caught:
        psf.load(tmp_path / f"k{suffix}")
    assert f"k{suffix}" in str(caught.value)
