"""Forked commands are processes, and do what the installed command does."""

import signal
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.commands import CAN_FORK, ENVIRONMENT, Process, installed

SHOW = ["psf", "show", "gaussian:sigma=2x1"]


@pytest.mark.parametrize("arguments", [SHOW, ["restore", "--psff"], ["--version"], ["restore", "--help"]])
def test_a_fork_does_what_a_process_of_its_own_does(tmp_path: Path, arguments: list[str]) -> None:
    results = []
    for own_process in (False, True):
        work = installed().start(arguments, cwd=tmp_path, environment=ENVIRONMENT, own_process=own_process)
        results.append((*work.communicate(), work.returncode))
    assert results[0] == results[1]
    assert sum(map(len, results[0][:2])) > 10


@pytest.mark.skipif(not CAN_FORK, reason="this system does not fork")
class TestFork:
    def test_it_has_its_own_arguments_folder_and_variables(self, tmp_path: Path) -> None:
        prelude = "import os, sys; print(sys.argv[1:], os.getcwd(), os.environ['MINE'], os.getpid(), sep='|')"
        work = installed().start(
            SHOW, cwd=tmp_path, environment=ENVIRONMENT | {"MINE": "é"}, prelude=prelude, text=True
        )
        assert isinstance(work, Process)
        first = work.communicate()[0].splitlines()[0]
        assert first.split("|") == [str(SHOW), str(tmp_path), "é", str(work.pid)]

    def test_it_reads_its_own_input(self, tmp_path: Path) -> None:
        prelude = "import sys; sys.stderr.write(sys.stdin.read().upper()); sys.exit(7)"
        work = installed().start([], cwd=tmp_path, environment=ENVIRONMENT, prelude=prelude, stdin=PIPE)
        assert work.communicate(b"a" * 100_000) == (b"", b"A" * 100_000)
        assert work.returncode == 7

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGUSR1])
    def test_a_signal_ends_it_and_no_other(self, tmp_path: Path, number: int) -> None:
        prelude = "import time; print(flush=True); time.sleep(600)"
        first, second = (
            installed().start([], cwd=tmp_path, environment=ENVIRONMENT, prelude=prelude) for _ in range(2)
        )
        assert first.stdout
        assert second.stdout
        first.stdout.readline()
        second.stdout.readline()
        assert first.poll() is None
        first.send_signal(number)
        assert first.wait(60) == -number
        assert second.poll() is None
        second.kill()
        assert second.wait(60) == -signal.SIGKILL

    def test_an_error_is_a_traceback_and_an_exit_code(self, tmp_path: Path) -> None:
        work = installed().start(SHOW, cwd=tmp_path, environment=ENVIRONMENT, prelude="raise KeyError('mine')")
        assert b"KeyError: 'mine'" in work.communicate()[1]
        assert work.returncode == 1
