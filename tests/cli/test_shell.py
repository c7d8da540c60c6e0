"""The shell: help, exit codes, and errors in plain words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from dashpipe.cli import shell
from dashpipe.cli.commands import COMMANDS


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` shows the commands with what they do."""
    assert shell.run(["--help"]) == 0
    out = capsys.readouterr().out
    for name in COMMANDS:
        assert f"  {name} " in out


def test_help_imports_no_command() -> None:
    """``dashpipe --help`` imports neither a command nor anything heavy."""
    code = (
        "import sys; from dashpipe.cli.shell import run; run(['--help']);"
        "slow = ('pymongo', 'airflow', 'yaml', 'jinja2', 'rich');"
        "names = [n for n in sys.modules if n.split('.')[0] in slow"
        " or n.startswith(('dashpipe.cli.l', 'dashpipe.spec', 'dashpipe.run'))];"
        "print(names, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped command is answered with the one that was meant."""
    assert shell.run(["lnt"]) == 2
    err = capsys.readouterr().err
    assert "dashpipe: there is no command `lnt`; did you mean `dashpipe lint`?" in err


def test_no_arguments_show_help(capsys: pytest.CaptureFixture[str]) -> None:
    """``dashpipe`` alone says what there is, and is no success."""
    assert shell.run([]) == 2
    captured = capsys.readouterr()
    assert "Commands" in captured.out + captured.err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """``--version`` prints it."""
    assert shell.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("dashpipe, version ")


def test_wrong_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """An option that is not there ends with 2, one line, and where to look."""
    assert shell.run(["explain", "--fromat"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("dashpipe: No such option")
    assert "see `dashpipe explain --help`" in err


def _with_command(monkeypatch: pytest.MonkeyPatch, function: object) -> None:
    command = click.command()(function)  # type: ignore[arg-type]
    monkeypatch.setattr(shell, "import_module", lambda _: SimpleNamespace(command=command))


def test_a_commands_number_is_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command returns is the exit code; nothing is 0."""
    _with_command(monkeypatch, lambda: 1)
    assert shell.run(["lint"]) == 1
    _with_command(monkeypatch, lambda: None)
    assert shell.run(["lint"]) == 0


def test_a_bug_is_one_line_and_how_to_report_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unexpected exception is told without a traceback, with exit code 2."""

    def broken() -> None:
        raise RuntimeError("a\nb")

    _with_command(monkeypatch, broken)
    assert shell.run(["lint"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("dashpipe broke: RuntimeError: a b\nthis is a bug")
    assert "Traceback" not in err


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``--debug`` the exception is let through."""

    def broken() -> None:
        raise RuntimeError("x")

    _with_command(monkeypatch, broken)
    with pytest.raises(RuntimeError):
        shell.run(["--debug", "lint"])


def test_interrupt_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C ends with a word and 2."""

    def stopped() -> None:
        raise KeyboardInterrupt

    _with_command(monkeypatch, stopped)
    assert shell.run(["lint"]) == 2
    assert "dashpipe: stopped" in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_traceback() -> None:
    """``dashpipe explain | head -1`` ends quietly."""
    script = f"{sys.executable} -m dashpipe explain | head -1"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_no_project_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Outside of a project, the error names the two ways out."""
    monkeypatch.chdir(tmp_path)
    assert shell.run(["lint"]) == 2
    err = capsys.readouterr().err
    assert "there is no dashpipe.toml here or above" in err
    assert "`dashpipe init`" in err


def test_a_named_project_must_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--project`` of a folder without settings is refused, before or after the command."""
    for arguments in (["--project", str(tmp_path), "lint"], ["lint", "--project", str(tmp_path)]):
        assert shell.run(arguments) == 2
        assert f"there is no dashpipe.toml in {tmp_path}" in capsys.readouterr().err
