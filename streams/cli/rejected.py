"""deskpulse rejected: what could not be counted, and sending it again."""

from __future__ import annotations

import heapq
import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.settings import ConfigurationError, Settings, load_settings

if TYPE_CHECKING:
    from streams.rejected.reading import Choice, Rejection, Seen
    from streams.rejected.redrive import Redriven, Sent

app = typer.Typer(help="List events that could not be counted, and send them again.", no_args_is_help=True)

Config = Annotated[Path | None, typer.Option("--config", help="TOML file (default: ./deskpulse.toml)")]
Brokers = Annotated[str | None, typer.Option("--brokers", help="Kafka brokers, host:port,host:port")]
Since = Annotated[
    str | None, typer.Option("--since", help="rejected since then: RFC 3339, or a length such as 2h or 7d")
]
Topics = Annotated[
    list[str] | None, typer.Option("--topic", help="only rejects of this source topic; may be repeated")
]
#: newest rejects that a table shows without --limit
SHOWN = 50


@app.command(name="list")
def list_(
    reason: Annotated[
        list[str] | None, typer.Option("--reason", help="only rejects for this reason; may be repeated")
    ] = None,
    since: Since = None,
    topic: Topics = None,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="the newest so many; 0 = all; counts are always of all")
    ] = SHOWN,
    json_: Annotated[bool, typer.Option("--json", help="one JSON object a line, oldest first")] = False,
    config: Config = None,
    brokers: Brokers = None,
) -> None:
    """Show why events were rejected: counts for each reason, then the newest rejects."""
    from streams.cli.writing import run_to_its_end

    settings = load_settings(config, brokers=brokers)
    seen, newest = run_to_its_end(_newest(settings, _choice(reason, topic, since), limit))
    if json_:
        from streams.rejected.reading import as_row

        for one in newest:
            typer.echo(json.dumps(as_row(one), ensure_ascii=False))
    else:
        _print(seen, newest)
    if seen.foreign:
        typer.echo(f"{seen.foreign} records on {settings.rejected_topic} were written by something else", err=True)


@app.command()
def redrive(
    reason: Annotated[list[str], typer.Option("--reason", help="send rejects for this reason; may be repeated")],
    since: Since = None,
    topic: Topics = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="at most so many records; 0 = all")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be sent, and send nothing")] = False,
    config: Config = None,
    brokers: Brokers = None,
) -> None:
    """Send rejected records again to their source topic, with their own key, value and headers.

    Each record is sent once, by the default partitioner (murmur2) of its key; what was counted already is known by
    its id and changes nothing. A value that was cut is read again from the source topic and checked; one that is
    gone is named, and the exit status is 1.

    An event that cannot be used (no JSON, a key that is not its subject) will be rejected again: send again what
    has been mended meanwhile. wrong_partition mends itself by being sent by its key, future by being sent later;
    internal_error and unknown_type take another version of the worker.
    """
    from streams.cli.writing import run_to_its_end
    from streams.rejected.redrive import redrive as send_again
    from streams.topics import sources

    settings = load_settings(config, brokers=brokers)
    sent: Counter[str] = Counter()

    def tell(one: Sent) -> None:
        sent[one.rejection.reason] += 1
        typer.echo(_line_of(one))

    choice = _choice(reason, topic, since)
    done = run_to_its_end(
        send_again(settings, choice, dry_run=dry_run, limit=limit, on_sent=tell, sources=sources(settings))
    )
    _report(done, sent, dry_run)
    if done.lost:
        raise typer.Exit(1)


def _choice(reasons: list[str] | None, topics: list[str] | None, since: str | None) -> Choice:
    from streams.rejected.reading import Choice, check_reasons

    return Choice(reasons=check_reasons(reasons or ()), topics=frozenset(topics or ()), since_ms=_since_ms(since))


def _since_ms(text: str | None) -> int | None:
    from metrics_core.times import parse_rfc3339
    from streams.replay.steps import parse_length_us

    if text is None:
        return None
    try:
        return parse_rfc3339(text) // 1000
    except ValueError:
        pass
    try:
        return int(time.time() * 1000) - parse_length_us(text) // 1000
    except ValueError as error:
        raise ConfigurationError(
            f"--since {text}: write a moment such as 2026-03-02T00:00:00Z, or a length such as 30m, 2h or 7d"
        ) from error


async def _newest(settings: Settings, choice: Choice, limit: int) -> tuple[Seen, list[Rejection]]:
    """All counts, and the newest rejects in the order of their rejection."""
    from streams.log_reader import LogReader
    from streams.rejected.reading import Seen, rejections

    seen = Seen()
    kept: list[tuple[int, int, Rejection]] = []
    async with LogReader(settings) as log:
        number = 0
        async for one in rejections(log, settings.rejected_topic, choice, seen):
            number += 1
            entry = (one.rejected_ms, number, one)
            if not limit or len(kept) < limit:
                heapq.heappush(kept, entry)
            else:
                heapq.heappushpop(kept, entry)
    return seen, [one for _, _, one in sorted(kept, key=lambda entry: entry[:2])]


def _print(seen: Seen, newest: list[Rejection]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from metrics_core.times import format_us

    console = Console(highlight=False)
    if not seen.taken:
        console.print("nothing was rejected")
        return
    counts = Table("topic", "reason", box=box.SIMPLE_HEAD, pad_edge=False)
    counts.add_column("rejects", justify="right")
    for (topic, reason), count in sorted(seen.taken.items(), key=lambda item: (-item[1], item[0])):
        counts.add_row(topic, reason, f"{count:,}")
    console.print(counts)
    rows = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("rejected at", "reason", "topic[partition] offset", "event", "detail"):
        rows.add_column(column, overflow="fold")
    for one in newest:
        event = one.identity
        named = " ".join(event[name] for name in ("type", "subject", "id") if name in event)
        rows.add_row(
            format_us(one.rejected_ms * 1000),
            one.reason,
            f"{one.source} {one.offset}",
            Text(named or "not readable"),
            Text(one.detail),
        )
    console.print(rows)
    total = sum(seen.taken.values())
    if len(newest) < total:
        console.print(f"the newest {len(newest):,} of {total:,}: --limit 0 shows all")


def _line_of(sent: Sent) -> str:
    one = sent.rejection
    event = one.identity
    named = " ".join(event[name] for name in ("type", "subject", "id") if name in event)
    return f"{one.source} {one.offset} -> partition {sent.partition}: {one.reason}, {named or 'event not readable'}"


def _report(done: Redriven, sent: Counter[str], dry_run: bool) -> None:
    """The sum on stderr, so that standard output holds one line a record."""
    for one, why in done.lost:
        typer.echo(f"lost: {one.source} {one.offset} ({one.reason}, {one.size:,} bytes): {why}", err=True)
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(sent.items())) or "nothing"
    typer.echo(f"{'would send' if dry_run else 'sent'} again: {reasons}", err=True)
    for count, what in (
        (done.repeated, "were rejected more than once and are sent once"),
        (done.elsewhere, "are of topics that this application does not read"),
        (done.foreign, "on the topic of rejected events were written by something else"),
        (len(done.lost), "cannot be sent: their values were cut, and the source does not hold them any more"),
    ):
        if count:
            typer.echo(f"{count:,} {what}", err=True)
