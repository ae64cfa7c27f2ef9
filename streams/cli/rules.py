"""deskpulse rules: the rule files of Prometheus for this deployment's policy and topics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    out: Annotated[Path, typer.Option(help="folder that the two files are written into")] = Path("."),
    config: Annotated[Path | None, typer.Option(help="TOML file; default ./deskpulse.toml")] = None,
) -> None:
    """Write the recording and alerting rules, with the goals of the policy for thresholds."""
    from streams.alerting.rules import rule_files, terms_of
    from streams.settings import ConfigurationError, load_settings

    files = rule_files(terms_of(load_settings(config)))
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (out / name).write_text(text, encoding="utf-8")
            typer.echo(out / name)
    except OSError as error:
        raise ConfigurationError(
            f"{error.filename} cannot be written ({error.strerror}): choose another --out"
        ) from error
