"""deskpulse metrics: what is measured - every series and every derived metric, with all that is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from streams.listing import ListedSeries, Listing


def command(
    name: Annotated[str, typer.Argument(help="only what has this in its name")] = "",
    family: Annotated[str, typer.Option(help="only this family, and what is derived from it")] = "",
    json_: Annotated[bool, typer.Option("--json", help="one JSON document instead of tables")] = False,
    config: Annotated[Path | None, typer.Option(help="TOML file; default ./deskpulse.toml")] = None,
) -> None:
    """List what is measured: series with their labels, and derived metrics with their formulas."""
    import msgspec
    from rich.console import Console

    from streams.listing import listing
    from streams.settings import ConfigurationError, load_settings

    whole = listing(load_settings(config).core_policy)
    known = [one.id for one in whole.families]
    if family and family not in known:
        raise ConfigurationError(f"there is no family {family!r}: choose one of {', '.join(known)}")
    chosen = whole.of(family=family, name=name)
    if json_:
        typer.echo(msgspec.json.format(msgspec.json.encode(chosen)).decode())
        return
    if not (chosen.series or chosen.derived):
        raise ConfigurationError(f"nothing that is measured has {name!r} in its name: leave it out to see all")
    _print(chosen, Console(highlight=False))


def _print(chosen: Listing, console: Console) -> None:
    """One table a family, then the derived metrics."""
    from rich.text import Text

    for family in chosen.families:
        console.print(Text(f"{family.id}: {family.question}", style="bold"))
        console.print(Text(f"events: {', '.join(family.events)}", style="dim"))
        console.print(_series_table([one for one in chosen.series if one.family == family.id]), "")
    if chosen.derived:
        console.print(Text("derived: sum over workers first, then divide", style="bold"))
        console.print(_derived_table(chosen))


def _series_table(series: list[ListedSeries]) -> Table:
    table = _table("series", "kind", "labels")
    for one in series:
        labels = [name if values is None else f"{name}={'|'.join(values)}" for name, values in one.labels.items()]
        table.add_row(one.name, f"{one.kind}, {one.unit}", " ".join(labels) or "-")
    return table


def _derived_table(chosen: Listing) -> Table:
    table = _table("derived metric", "by", "unit", "formula and question")
    for one in chosen.derived:
        table.add_row(
            one.rule or f"{one.id} (reports)",
            " ".join(one.labels) or "-",
            one.unit,
            f"{one.formula}\n{one.question}",
        )
    return table


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
