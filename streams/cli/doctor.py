"""deskpulse doctor: what is wrong with the configuration, the cluster and the topics, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.settings import ConfigurationError, load_settings

if TYPE_CHECKING:
    from streams.doctor.findings import Finding

#: exit status where there is a problem
PROBLEM = 1


def command(
    downtime_h: Annotated[
        float,
        typer.Option(
            "--downtime-h",
            min=0.1,
            help="longest pause of all workers, in hours, that shall lose nothing; topics should keep twice that",
        ),
    ] = 24.0,
    json_: Annotated[bool, typer.Option("--json", help="one JSON array instead of lines")] = False,
    config: Annotated[Path | None, typer.Option(help="TOML file; default ./deskpulse.toml")] = None,
    brokers: Annotated[str | None, typer.Option(help="Kafka bootstrap servers, host:port,host:port")] = None,
) -> None:
    """Check configuration, brokers, topics, records, clocks, workers and label bounds; a line each.

    Nothing is written and no group is joined. Exit status 1 where there is a problem; warnings alone leave it at 0.
    """
    from streams.cli.writing import run_to_its_end
    from streams.doctor.findings import Level, problem
    from streams.doctor.run import examine, worst_of

    try:
        settings = load_settings(config, brokers=brokers)
        findings = run_to_its_end(examine(settings, downtime_h=downtime_h))
    except ConfigurationError as error:
        findings = [problem("configuration", str(error), "")]
    if json_:
        _print_json(findings)
    else:
        _print(findings)
    if worst_of(findings) is Level.PROBLEM:
        raise typer.Exit(PROBLEM)


def _print_json(findings: list[Finding]) -> None:
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(findings)).decode())


def _print(findings: list[Finding]) -> None:
    from collections import Counter

    from streams.doctor.findings import Level

    colours = {Level.WARNING: typer.colors.YELLOW, Level.PROBLEM: typer.colors.RED}
    for finding in findings:
        typer.echo(typer.style(f"{finding.level.value:<8}", fg=colours.get(finding.level)) + str(finding))
    counts = Counter(finding.level for finding in findings)
    said = [
        f"{counts[level]} {level.value}{'s' * (counts[level] != 1)}" for level in (Level.PROBLEM, Level.WARNING)
    ]
    typer.echo(", ".join(said))
