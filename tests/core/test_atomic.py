import errno
import os
import stat
from contextlib import nullcontext
from pathlib import Path

import pytest

from deblur._core.atomic import atomic_path, reserve, written_whole

as_root = pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="the superuser may write anywhere")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_target_appears_only_at_the_end(tmp_path):
    target = tmp_path / "picture.png"
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert not target.exists()
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".png"
        assert temporary.name.startswith(".")
    assert target.read_text() == "new"
    assert names(tmp_path) == ["picture.png"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_everything_as_it_was(tmp_path, error):
    target = tmp_path / "picture.png"
    target.write_text("old")

    def fail_half_way() -> None:
        with atomic_path(target, overwrite=True) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail_half_way()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["picture.png"]


def test_a_signal_at_the_moment_the_temporary_file_is_made(tmp_path, monkeypatch):
    touch = Path.touch

    def touch_and_be_interrupted(path: Path, **options: bool) -> None:
        touch(path, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "touch", touch_and_be_interrupted)
    with pytest.raises(KeyboardInterrupt), atomic_path(tmp_path / "picture.png"):
        pytest.fail("the block must not be entered")
    assert names(tmp_path) == []


def test_an_existing_file_is_replaced_only_on_request(tmp_path):
    target = tmp_path / "picture.png"
    target.write_text("old")
    with pytest.raises(FileExistsError, match=r"picture\.png exists"), atomic_path(target):
        pytest.fail("the block must not be entered")
    with atomic_path(target, overwrite=True) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_are_those_of_the_umask_or_of_the_replaced_file(tmp_path):
    fresh, private = tmp_path / "fresh", tmp_path / "private"
    (tmp_path / "plain").touch()
    private.touch()
    private.chmod(0o600)
    for target in (fresh, private):
        with atomic_path(target, overwrite=True) as temporary:
            temporary.write_text("new")
    assert stat.S_IMODE(fresh.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_a_symbolic_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "picture.png", tmp_path / "link.png"
    target.write_text("old")
    link.symlink_to(target)
    with atomic_path(link, overwrite=True) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_where_nothing_can_be_written(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing does not exist"), atomic_path(tmp_path / "missing" / "a.png"):
        pytest.fail("the block must not be entered")
    with pytest.raises(IsADirectoryError, match="is a folder"), atomic_path(tmp_path, overwrite=True):
        pytest.fail("the block must not be entered")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"a\.png"), atomic_path(tmp_path / "file" / "a.png"):
        pytest.fail("the block must not be entered")


@pytest.mark.skipif(not os.path.exists(os.devnull) or os.name == "nt", reason="POSIX devices")
def test_a_device_is_never_replaced():
    with pytest.raises(OSError, match="device"), atomic_path(os.devnull, overwrite=True):
        pytest.fail("the block must not be entered")


@as_root
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match=r"cannot write .*a\.png"), atomic_path(tmp_path / "a.png"):
            pytest.fail("the block must not be entered")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot reserve")
@pytest.mark.parametrize(("number", "fails"), [(errno.EOPNOTSUPP, False), (errno.EINVAL, False), (errno.ENOSPC, True)])
def test_a_file_system_that_cannot_reserve_is_no_error(
    number: int, fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    (tmp_path / "a").touch()
    with pytest.raises(OSError, match="no") if fails else nullcontext():
        reserve(tmp_path / "a")


def test_what_a_writer_says_of_a_full_disk_is_said_as_the_system_does(tmp_path: Path) -> None:
    target = tmp_path / "a.npy"

    def wrote_too_little() -> None:
        with atomic_path(target) as temporary, written_whole(temporary, 10):
            temporary.write_bytes(b"123456789")

    def said_it_otherwise() -> None:
        with atomic_path(target) as temporary, written_whole(temporary, 10):
            raise OSError("2250000 requested and 524200 written")

    for write in (wrote_too_little, said_it_otherwise):
        with pytest.raises(OSError, match="No space left") as caught:
            write()
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(target))
    with pytest.raises(OSError, match="Permission"), written_whole(target, 10):
        raise PermissionError(errno.EACCES, "Permission denied")
    assert list(tmp_path.iterdir()) == []
