"""deskpulse: the one command. Each verb is a module beside this one."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from typing import Annotated

import typer

VERBS = {
    "demo": "demo",
    "worker": "worker",
    "broker": "broker",
    "report": "report",
    "replay": "replay",
    "produce": "produce",
    "simulate": "simulate",
    "topics": "topics",
    "doctor": "doctor",
    "rejected": "rejected",
    "verify": "verify",
    "top": "top",
    "metrics": "metrics",
    "rules": "rules",
}

app = typer.Typer(
    name="deskpulse",
    help="Streaming real-time monitor for customer service.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        from metrics_core import native

        form = "compiled" if native.AVAILABLE else "pure"
        typer.echo(f"{importlib.metadata.version('deskpulse')} ({form})")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Streaming real-time monitor for customer service."""


def register(verbs: dict[str, str]) -> None:
    """Attach ``command`` (or the typer ``app``) of each verb's module."""
    for verb, module_name in verbs.items():
        module = importlib.import_module(f"streams.cli.{module_name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=verb)
        else:
            app.command(verb)(module.command)


def main() -> None:
    """Entry point; a configuration error is one sentence on stderr and exit status 2."""
    from streams.settings import ConfigurationError

    # importing only the verb that was asked for keeps every command quick to start
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    register({asked: VERBS[asked]} if asked in VERBS else VERBS)
    try:
        app()
    except ConfigurationError as error:
        typer.secho(f"deskpulse: {error}", err=True, fg=typer.colors.RED)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
