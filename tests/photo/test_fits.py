"""FITS: counts, headers and coordinates."""

from pathlib import Path

import numpy as np
import pytest

from deblur.photo import Photo, losses, read, write

fits = pytest.importorskip("astropy.io.fits", reason="needs the extra fits")

COUNTS = np.random.default_rng(0).integers(0, 3000, (24, 30)).astype(np.int16)


def header() -> "fits.Header":
    made = fits.Header()
    made["OBJECT"] = "M 31"
    made["EXPTIME"] = (30.0, "seconds")
    made["CTYPE1"], made["CTYPE2"] = "RA---TAN", "DEC--TAN"
    made["CRVAL1"], made["CRVAL2"], made["CRPIX1"], made["CRPIX2"] = 10.68, 41.27, 15.5, 12.5
    made["CDELT1"], made["CDELT2"] = -0.0003, 0.0003
    made["HIERARCH ESO DET CHIP"] = 2
    made["COMMENT"] = "by hand"
    made["HISTORY"] = "flat-fielded"
    return made


def same(path: Path, before: "fits.Header") -> None:
    after = fits.getheader(path)
    for card in before.cards:
        assert card.keyword in after
        if card.keyword not in ("COMMENT", "HISTORY"):
            assert (after[card.keyword], after.comments[card.keyword]) == (card.value, card.comment)
    assert "flat-fielded" in str(after["HISTORY"])
    assert "by hand" in str(after["COMMENT"])


def test_header_and_coordinates_are_written_again(tmp_path: Path) -> None:
    fits.PrimaryHDU(COUNTS, header()).writeto(tmp_path / "a.fits", checksum=True)
    photo = read(tmp_path / "a.fits")
    assert (photo.measured, photo.linear, photo.dtype, photo.channel_axis) == (True, True, np.int16, None)
    np.testing.assert_array_equal(np.rint(photo.pixels * 32767), COUNTS)
    write(tmp_path / "b.fits", photo)
    same(tmp_path / "b.fits", header())
    np.testing.assert_array_equal(fits.getdata(tmp_path / "b.fits"), COUNTS)
    from astropy.wcs import WCS

    before, after = WCS(fits.getheader(tmp_path / "a.fits")), WCS(fits.getheader(tmp_path / "b.fits"))
    np.testing.assert_allclose(after.pixel_to_world_values(3, 4), before.pixel_to_world_values(3, 4))
    assert losses(tmp_path / "b.tif", photo) == ("TIFF has no place for the FITS header, and it was left out",)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32"])
def test_scaled_samples(tmp_path: Path, dtype: str) -> None:
    unit = fits.PrimaryHDU((COUNTS % 200).astype(dtype))
    unit.header["BSCALE"], unit.header["BZERO"] = 0.5, 100.0
    unit.header["OBJECT"] = "scaled"
    unit.writeto(tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits", mode="update", do_not_scale_image_data=True) as units:
        units[0].header["BSCALE"], units[0].header["BZERO"] = 0.5, 100.0
    expected = fits.getdata(tmp_path / "a.fits")
    photo = read(tmp_path / "a.fits")
    assert photo.dtype.kind == "f"
    np.testing.assert_allclose(photo.pixels, expected)
    write(tmp_path / "b.fits", photo)
    np.testing.assert_allclose(fits.getdata(tmp_path / "b.fits"), expected)
    assert fits.getheader(tmp_path / "b.fits")["OBJECT"] == "scaled"


def test_missing_samples_are_nan(tmp_path: Path) -> None:
    floating = COUNTS.astype(np.float32)
    floating[3:5] = np.nan
    fits.PrimaryHDU(floating).writeto(tmp_path / "a.fits")
    photo = read(tmp_path / "a.fits")
    np.testing.assert_array_equal(photo.pixels, floating)
    write(tmp_path / "b.fits", photo)
    np.testing.assert_array_equal(fits.getdata(tmp_path / "b.fits"), floating)
    unit = fits.PrimaryHDU(COUNTS)
    unit.header["BLANK"] = int(COUNTS[2, 3])
    unit.writeto(tmp_path / "c.fits")
    blank = read(tmp_path / "c.fits")
    np.testing.assert_array_equal(np.isnan(blank.pixels), COUNTS[2, 3] == COUNTS)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("count", [1, 1000])
def test_many_units(tmp_path: Path, compressed: bool, count: int) -> None:
    kind = fits.CompImageHDU if compressed else fits.ImageHDU
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=np.zeros(3))])
    units = [fits.PrimaryHDU(header=header()), table, kind(COUNTS, header(), name="SCI")]
    units += [fits.ImageHDU(np.zeros((2, 2), np.uint8)) for _ in range(count - 1)]
    fits.HDUList(units).writeto(tmp_path / "a.fits")
    photo = read(tmp_path / "a.fits")
    np.testing.assert_array_equal(np.rint(photo.pixels * 32767), COUNTS)
    others = count
    assert photo.notes == (
        f"{others} more unit{'s' * (others > 1)} of its data (HDUs) {'were' if others > 1 else 'was'} left out",
    )
    write(tmp_path / "b.fits", photo)
    same(tmp_path / "b.fits", header())
    np.testing.assert_array_equal(fits.getdata(tmp_path / "b.fits"), COUNTS)


def test_cubes_and_axes_of_one(tmp_path: Path) -> None:
    cube = np.stack([COUNTS, COUNTS + 1]).astype(np.float32)
    for shape in (cube.shape, (1, *cube.shape), (1, 1, *COUNTS.shape)):
        data = cube[0].reshape(shape) if shape[1] == 1 else cube.reshape(shape)
        fits.PrimaryHDU(data).writeto(tmp_path / "a.fits", overwrite=True)
        photo = read(tmp_path / "a.fits")
        assert photo.pages == (1 if shape[1] == 1 else 2)
        write(tmp_path / "b.fits", photo, overwrite=True)
        np.testing.assert_array_equal(fits.getdata(tmp_path / "b.fits"), data)


def test_refused(tmp_path: Path) -> None:
    fits.PrimaryHDU(header=header()).writeto(tmp_path / "empty.fits")
    fits.PrimaryHDU(np.zeros(9)).writeto(tmp_path / "line.fits")
    fits.PrimaryHDU(np.zeros((2, 2, 4, 5))).writeto(tmp_path / "four.fits")
    fits.PrimaryHDU(COUNTS).writeto(tmp_path / "whole.fits")
    data = (tmp_path / "whole.fits").read_bytes()
    (tmp_path / "short.fits").write_bytes(data[:3000])
    (tmp_path / "start.fits").write_bytes(data[:100])
    wrong = data.replace(b"NAXIS1  =                   30", b"NAXIS1  =          30000000000")
    (tmp_path / "absurd.fits").write_bytes(wrong)
    for name, reason in {
        "empty": "holds no picture",
        "line": "1 axes",
        "four": "4 axes",
        "short": "",
        "start": "",
        "absurd": "",
    }.items():
        with pytest.raises(ValueError, match=rf"cannot read .*{name}\.fits: .*{reason}") as caught:
            read(tmp_path / f"{name}.fits")
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="2 pages of 3 channels"):
        write(tmp_path / "a.fits", Photo(np.zeros((2, 4, 5, 3)), -1))
