"""The command line: one module a command, imported only when it is called.

``python -m dashpipe --help`` and ``dashpipe lint`` must start fast, so nothing here imports a command, a
database driver or a table printer; ``commands.py`` says in one line what each command does.
"""

from __future__ import annotations


def main() -> None:
    """The entry point of ``dashpipe``; never returns, and never shows a traceback unless asked to."""
    from dashpipe.cli.shell import run

    raise SystemExit(run())
