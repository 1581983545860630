"""The loaders: the traps of the real data, one by one, and what the arrays are said to be."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.fft
import scipy.io
import scipy.linalg
import scipy.signal

from deblur.benchmark import (
    bars3d,
    bead3d,
    drums,
    galaxies,
    image,
    image_names,
    kernels_12,
    lai2016,
    levin_kernels,
    levin_mat,
    levin_selfdeblur,
    schelten_kernels,
)

LEVIN = [(scene, kernel) for scene in range(1, 5) for kernel in range(1, 9)]
SHIFTS = [(0, -1), (0, 1), (-1, -1), (2, -3), (0, 0), (4, -4), (2, -2), (2, -2)]
BORDER = 40
pytestmark = pytest.mark.usefixtures("data_dir")


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2)))


def shifted(image: np.ndarray, shift: tuple[int, int]) -> np.ndarray:
    """The inner part of `image`, beginning `shift` later."""
    dy, dx = shift
    return image[BORDER + dy : image.shape[0] - BORDER + dy, BORDER + dx : image.shape[1] - BORDER + dx]


def match(sharp: np.ndarray, psf: np.ndarray, blurred: np.ndarray) -> tuple[float, tuple[int, int]]:
    """The best PSNR of `sharp` * `psf` against `blurred` over whole-pixel shifts, and that shift."""
    made = scipy.signal.fftconvolve(sharp, psf, mode="same")
    reach = range(-5, 6)
    return max((psnr(shifted(made, (dy, dx)), shifted(blurred, (0, 0))), (dy, dx)) for dy in reach for dx in reach)


def test_trap_1_the_true_convolution_psf_is_f_rotated() -> None:
    rotated, as_stored = [], []
    for scene, kernel in LEVIN:
        sharp, blurred, psf = levin_mat(scene, kernel)
        rotated.append(match(sharp, psf, blurred)[0])
        as_stored.append(match(sharp, np.flip(psf), blurred)[0])
    assert np.mean(rotated) == pytest.approx(41.42, abs=0.05)
    assert np.mean(as_stored) == pytest.approx(30.91, abs=0.05)
    assert np.all(np.array(rotated) > np.array(as_stored))


def test_psf_is_f_of_the_file(data_dir: Path) -> None:
    f = scipy.io.loadmat(data_dir / "levin2009/mat/im06_flit03.mat")["f"]
    np.testing.assert_array_equal(levin_mat(2, 3).psf, f[::-1, ::-1])


def test_trap_2_two_kernel_pictures_are_rotated(data_dir: Path) -> None:
    """The others look like `f`, so have to be rotated to be PSFs; kernels 4 and 8 are PSFs as they are."""
    for number, psf in enumerate(levin_kernels(), start=1):
        picture = cv2.imread(str(data_dir / f"levin2009/selfdeblur/gt/kernel{number}.png"), cv2.IMREAD_GRAYSCALE)
        upright = picture if number in (4, 8) else picture[::-1, ::-1]
        np.testing.assert_allclose(upright / picture.sum(), psf, atol=2e-3)
        assert np.corrcoef(np.flip(upright).ravel(), psf.ravel())[0, 1] < 0.25
        np.testing.assert_array_equal(levin_selfdeblur(1, number).psf, psf)


def test_trap_3_the_truth_differs_from_file_to_file() -> None:
    for scene in range(1, 5):
        truths = [levin_mat(scene, kernel).sharp for kernel in range(1, 9)]
        packaged = [levin_selfdeblur(scene, kernel).sharp for kernel in range(1, 9)]
        assert max(np.abs(truth - truths[0]).max() for truth in truths) > 0.3
        assert all(np.array_equal(other, packaged[0]) for other in packaged)
        np.testing.assert_allclose(packaged[0], truths[7], atol=0.5 / 255 + 1e-6)
        assert min(psnr(packaged[0], truth) for truth in truths) < 25


def test_trap_4_a_shift_remains_constant_per_kernel() -> None:
    for scene, kernel in LEVIN:
        sharp, blurred, psf = levin_mat(scene, kernel)
        assert match(sharp, psf, blurred)[1] == SHIFTS[kernel - 1]


def test_trap_5_sizes_and_sums() -> None:
    psfs = levin_kernels()
    assert [psf.shape for psf in psfs] == [(size, size) for size in (19, 17, 15, 27, 13, 21, 23, 23)]
    for psf in psfs:
        assert psf.sum() == pytest.approx(1, abs=1e-12)
        assert psf.min() >= 0


def test_trap_5_the_gain_is_not_one() -> None:
    gains = np.empty((4, 8))
    for scene, kernel in LEVIN:
        sharp, blurred, psf = levin_mat(scene, kernel)
        made = shifted(scipy.signal.fftconvolve(sharp, psf, mode="same"), SHIFTS[kernel - 1])
        gains[scene - 1, kernel - 1] = np.vdot(made, shifted(blurred, (0, 0))) / np.vdot(made, made)
    assert np.all((gains[:, :7] > 0.96) & (gains[:, :7] < 1))
    np.testing.assert_allclose(gains[:, 7], 1.026, atol=0.003)


@pytest.mark.parametrize("scene", [1, 2, 3, 4])
def test_trap_5_noise(scene: int) -> None:
    """What a kernel fitted freely to x and y leaves over: 0.77 to 0.94 gray levels."""
    sharp, blurred, psf = levin_mat(scene, 5)
    reach = psf.shape[0] // 2 + 2
    windows = np.lib.stride_tricks.sliding_window_view(sharp, (2 * reach + 1,) * 2).reshape(-1, (2 * reach + 1) ** 2)
    observed = blurred[reach:-reach, reach:-reach].ravel()
    fitted = scipy.linalg.solve(windows.T @ windows, windows.T @ observed, assume_a="pos")
    assert 0.75 < 255 * np.std(observed - windows @ fitted) < 0.96


def test_trap_6_blurred_images_are_the_originals_in_8_bits() -> None:
    """Those whose scores, 23.25 dB in SelfDeblur's protocol, prove an implementation of it."""
    for scene, kernel in LEVIN:
        rounded = levin_selfdeblur(scene, kernel).blurred
        np.testing.assert_allclose(rounded, levin_mat(scene, kernel).blurred, atol=0.5 / 255 + 1e-6)
        np.testing.assert_allclose(rounded * 255, np.round(rounded * 255), atol=1e-9)


def test_the_hdf5_file_holds_the_same_kernels(data_dir: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(data_dir / "levin2009/Levin09.mat") as file:
        stored = [np.array(file[reference]).T for reference in file["kernels"][:, 0]]
    for f, psf in zip(stored, levin_kernels(), strict=True):
        np.testing.assert_array_equal(np.flip(f), psf)


def lai_residual(scene: str, side: int, turns: int = 0) -> np.ndarray:
    """What the blur of the ground truth, its border replicated, lacks of the blurred picture, in gray levels."""
    sharp, blurred, psf = lai2016(scene, side)
    padded = np.pad(sharp, [(side // 2,) * 2, (side // 2,) * 2, (0, 0)], mode="edge")
    kernel = np.rot90(psf, turns)[..., None]
    return 255 * (blurred - scipy.signal.fftconvolve(padded, kernel, mode="valid", axes=(0, 1)))


@pytest.mark.parametrize("side", [31, 51, 55, 75])
def test_lai_trap_1_the_kernels_are_rotated(side: int) -> None:
    assert np.sqrt(np.mean(lai_residual("manmade_01", side) ** 2)) == pytest.approx(1.5, abs=0.02)
    assert np.sqrt(np.mean(lai_residual("manmade_01", side, turns=2) ** 2)) > 9
    assert lai2016("manmade_01", side).psf.shape == (side, side)


def test_lai_trap_4_the_noise_is_uniform_and_brightens() -> None:
    residual = lai_residual("people_03", 31)
    low, middle, high = np.quantile(residual, [0.001, 0.5, 0.999])
    assert -0.5 < low < 0  # rounding adds up to half a gray level on either side of 0 to 2.55
    assert 2.55 < high < 3.05
    assert middle == pytest.approx(1.275, abs=0.01)
    assert residual.std() == pytest.approx(0.79, abs=0.01)


@pytest.mark.parametrize("scene", ["saturated_01", "saturated_03"])
def test_lai_trap_5_lights_are_clipped_in_the_truth(scene: str) -> None:
    assert lai_residual(scene, 31).std() > 20


def test_no_such_lai_image() -> None:
    with pytest.raises(ValueError, match="there is no scene 'xyzzy'; there are manmade_01, natural_01, "):
        lai2016("xyzzy", 31)
    with pytest.raises(ValueError, match="there is no kernel of 4 pixels; there are 31, 51, 55, 75"):
        lai2016("text_01", 4)


@pytest.mark.parametrize(("scene", "kernel"), [(0, 1), (5, 1), (1, 0), (1, 9)])
@pytest.mark.parametrize("load", [levin_mat, levin_selfdeblur])
def test_no_such_levin_image(load: object, scene: int, kernel: int) -> None:
    with pytest.raises(ValueError, match=r"(scene|kernel) is \d; the Levin data have \1s 1 to"):
        load(scene, kernel)  # type: ignore[operator]


@pytest.mark.parametrize(("name", "count"), [("set14", 14), ("set5", 5), ("cbsd68", 68), ("bsds500", 400)])
def test_image_sets(name: str, count: int) -> None:
    names = image_names(name)
    assert len(names) == count
    assert names == sorted(names)
    gray, color = image(name, names[0]), image(name, names[0], gray=False)
    assert gray.shape == color.shape[:2]
    assert color.shape[2] == 3
    for pixels in (gray, color):
        assert pixels.dtype == np.float64
        assert 0 <= pixels.min() < pixels.max() <= 1
        np.testing.assert_allclose(pixels * 255, np.round(pixels * 255), atol=1e-9)


def test_gray_is_the_luma_of_red_green_blue() -> None:
    color = image("set14", "pepper", gray=False)
    luma = color @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(image("set14", "pepper"), luma, atol=0.51 / 255)
    assert color[..., 0].mean() > color[..., 2].mean() + 0.1  # peppers are red, not blue


def test_gray_image_of_set14_has_three_equal_channels() -> None:
    color = image("set14", "bridge", gray=False)
    np.testing.assert_array_equal(color, np.repeat(image("set14", "bridge")[..., None], 3, axis=2))


def test_set14_blurred_scores_as_published_with_this_gray() -> None:
    """Valid border, noise 1 %: 21.10 dB on the observed frame."""
    scores = []
    for i, name in enumerate(image_names("set14")):
        sharp = image("set14", name)
        for j, psf in enumerate(levin_kernels()):
            blurred = scipy.signal.fftconvolve(sharp, psf, mode="valid")
            blurred += 0.01 * np.random.default_rng([i, j]).standard_normal(blurred.shape)
            top, left = (size // 2 for size in psf.shape)
            truth = sharp[top : top + blurred.shape[0], left : left + blurred.shape[1]]
            scores.append(psnr(np.clip(blurred, 0, 1), truth))
    assert np.mean(scores) == pytest.approx(21.10, abs=0.01)


def test_only_sets_of_images_have_images() -> None:
    with pytest.raises(ValueError, match="'kernels' is not a data set of images"):
        image_names("kernels")
    with pytest.raises(ValueError, match=r"no image 'xyzzy'; image_names\('set5'\) lists them"):
        image("set5", "xyzzy")


def test_a_file_that_is_no_picture(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "set5").mkdir()
    for path in (data_dir / "set5").glob("*.bmp"):
        (tmp_path / "set5" / path.name).write_bytes(bytes(path.stat().st_size))
    with pytest.raises(ValueError, match=r"baby_GT\.bmp is not an image .* deblur datasets verify"):
        image("set5", "baby_GT", folder=tmp_path)


@pytest.mark.parametrize(("load", "count"), [(kernels_12, 12), (schelten_kernels, 5), (levin_kernels, 8)])
def test_psfs(load: object, count: int) -> None:
    psfs = load()  # type: ignore[operator]
    assert len(psfs) == count
    for psf in psfs:
        assert psf.dtype == np.float64
        assert psf.flags.c_contiguous
        assert psf.min() >= 0
        assert psf.sum() == pytest.approx(1, abs=1e-12)
        assert all(size % 2 for size in psf.shape)


def test_schelten_kernels_are_rotated(data_dir: Path) -> None:
    stored = scipy.io.loadmat(data_dir / "kernels/schelten_dmsp_kernels.mat")["kernels"][0]
    for kernel, psf in zip(stored, schelten_kernels(), strict=True):
        np.testing.assert_allclose(psf, kernel[::-1, ::-1])


def test_bars_are_the_truth_blurred_by_the_psf_centered_on_half_its_size() -> None:
    sharp, blurred, psf = bars3d()
    assert sharp.shape == blurred.shape == psf.shape == (32, 64, 64)
    assert psf.sum() == pytest.approx(1)
    assert np.unravel_index(psf.argmax(), psf.shape) == (16, 32, 32)

    def misfit(center: tuple[int, int, int]) -> float:
        kernel = np.roll(psf, [-c for c in center], axis=(0, 1, 2))
        made = scipy.fft.ifftn(scipy.fft.fftn(sharp) * scipy.fft.fftn(kernel)).real
        return 1 - np.corrcoef(made.ravel(), blurred.ravel())[0, 1] ** 2

    centers = [(z, y, x) for z in (15, 16, 17) for y in (31, 32, 33) for x in (31, 32, 33)]
    assert min(centers, key=misfit) == (16, 32, 32)


def test_bead() -> None:
    blurred, psf = bead3d()
    assert blurred.shape == psf.shape == (64, 64, 64)
    assert psf.sum() == pytest.approx(1)
    assert np.unravel_index(psf.argmax(), psf.shape) == (32, 32, 32)


def test_galaxies_are_observations_with_a_psf_each() -> None:
    observed, psfs = galaxies()
    assert observed.shape == psfs.shape == (100, 41, 41)
    assert observed.dtype == psfs.dtype == np.float64
    np.testing.assert_allclose(psfs.sum(axis=(1, 2)), 1, atol=1e-6)
    assert {divmod(int(psf.argmax()), 41) for psf in psfs} == {(20, 20)}
    assert np.std(observed[:, :6, :6]) == pytest.approx(2.6e-4, abs=2e-5)
    assert len({psf.tobytes() for psf in psfs}) == 92  # some are used twice


def test_drums_add_up_and_onsets_are_where_they_are_struck() -> None:
    loop = drums()
    assert loop.rate == 44100
    assert loop.templates.shape == (1025, 3)
    np.testing.assert_allclose(sum(loop.stems.values()), loop.mixture, atol=3.1 / 32768)
    assert {name: len(times) for name, times in loop.onsets.items()} == {"kick": 12, "snare": 8, "hihat": 32}
    for name, times in loop.onsets.items():
        energy = loop.stems[name] ** 2
        starts = (times * loop.rate).astype(int)
        after = np.mean([energy[start : start + 2000].sum() for start in starts])
        before = np.mean([energy[start - 2000 : start].sum() for start in starts if start >= 2000])
        assert after > 10 * before
    assert loop.templates[:, 0].argmax() < loop.templates[:, 1].argmax() < loop.templates[:, 2].argmax()
