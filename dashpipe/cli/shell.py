"""The shell around the commands: what all share, lazy loading, exit codes and errors in plain words.

Exit codes: 0 done, 1 errors found or checks failed, 2 it could not run.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from dashpipe import __version__
from dashpipe.cli.commands import COMMANDS


class LazyGroup(click.Group):
    """A group that imports a command's module when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """The names of the commands, in the order in which one meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (as above)
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"dashpipe.cli.{cmd_name}").command
        command.name = cmd_name
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name.

        Raises:
            click.UsageError: There is none; says which one is near.
        """
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, 1)
            hint = f"did you mean `dashpipe {near[0]}`?" if near else f"there are: {', '.join(COMMANDS)}"
            raise click.UsageError(f"there is no command `{name}`; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (as above)
        """The table of commands in ``--help``, from the one-line texts, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()), col_max=12)


@click.command(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.option(
    "--project", metavar="DIR", help="The folder of dashpipe.toml (default: found upwards from here)."
)
@click.option("--debug", is_flag=True, help="Show the traceback when dashpipe itself breaks.")
@click.version_option(__version__, prog_name="dashpipe")
@click.pass_context
def group(ctx: click.Context, project: str | None, debug: bool) -> None:  # noqa: ARG001 (read by `run`)
    """Metrics in YAML, computed by MongoDB, published for dashboards."""
    ctx.obj = {"project": project}


def run(args: list[str] | None = None) -> int:
    """Call a command, and turn whatever happens into an exit code and one plain message.

    Args:
        args: The arguments without the program's name (default: the process's).

    Returns:
        The exit code. A command returns its own (``None`` is 0).
    """
    arguments = sys.argv[1:] if args is None else args
    try:
        result = group.main(args=list(arguments), prog_name="dashpipe", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        _complain(error)
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("dashpipe: stopped", err=True)
        return 2
    except BrokenPipeError:
        # The reader of our output (`| head`) has left; without this Python complains once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 2
    except Exception as error:
        if "--debug" in arguments:
            raise
        text = " ".join(str(error).split()) or "no message"
        click.echo(f"dashpipe broke: {type(error).__name__}: {text}", err=True)
        click.echo("this is a bug: please report it with the output of `dashpipe --debug …`", err=True)
        return 2


def _complain(error: click.ClickException) -> None:
    click.echo(f"dashpipe: {error.format_message()}", err=True)
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        click.echo(f"see `{context.command_path} --help`", err=True)
