"""The screen: what state the monitor is in, the page, and what came through. Pure: a session in, lines out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from rich.text import Text

from streams.top.blocks import Block, fit
from streams.top.figures import Figures, Pipeline
from streams.top.pages import PAGES, Page, trend_values
from streams.top.poll import Answer
from streams.top.trend import Trend
from streams.top.words import clock, count, per_second

#: below it there is only room for the state
LEAST_COLUMNS, LEAST_ROWS = 40, 8
#: what "  as of 09:30:00" takes at the right of the first line
AS_OF_COLUMNS = 16
#: reasons of rejects named in the last line
REASONS_SHOWN = 3
_ASCII = str.maketrans("█▉▊▋▌▍▎▏▁▂▃▄▅▆▇…", "####++--..::==#~")


@dataclass
class Session:
    """What the viewer keeps from poll to poll."""

    urls: Sequence[str]
    page: Page = PAGES[0]
    figures: Figures | None = None
    figures_at_s: float = 0.0
    failure: str | None = None
    message: str | None = None
    events_s: float | None = None
    trends: defaultdict[str, Trend] = field(default_factory=lambda: defaultdict(Trend))

    def take(self, answer: Answer) -> None:
        """Take in one poll; after a failure the last figures stay, and are said to be old."""
        self.failure, self.message = answer.failure, answer.message
        if answer.figures is None:
            self.events_s = None
            return
        if self.figures is not None and answer.at_s > self.figures_at_s:
            more = answer.figures.pipeline.processed - self.figures.pipeline.processed
            # fewer than before: a worker has started anew and counts from zero
            self.events_s = more / (answer.at_s - self.figures_at_s) if more >= 0 else None
        self.figures, self.figures_at_s = answer.figures, answer.at_s
        if answer.figures.pipeline.ready:
            for name, value in trend_values(answer.figures).items():
                self.trends[name].add(value)

    def turn(self, key: str) -> None:
        """Show the page of a key; Tab shows the next one."""
        if key == "\t":
            self.page = PAGES[(PAGES.index(self.page) + 1) % len(PAGES)]
        self.page = next((page for page in PAGES if page.key == key), self.page)


def screen(
    session: Session,
    width: int,
    height: int,
    *,
    now_s: float,
    zone: tzinfo | None = None,
    extra_lines: Sequence[str] = (),
    ascii_only: bool = False,
) -> Block:
    """Exactly ``height`` lines of ``width`` columns. ``now_s``: unix time; ``zone``: None = the viewer's own."""
    state = _state(session, now_s, zone)
    top = [_header(session, width, now_s, zone), *_wrapped(state, width)]
    bottom = [Text(line, style="cyan") for line in extra_lines]
    if session.figures is not None:
        bottom.insert(0, _footer(session))
    room = height - len(top) - len(bottom)
    lines = top
    if session.figures is not None and width >= LEAST_COLUMNS and room >= LEAST_ROWS - 2:
        body = session.page.body(session.figures, session.trends, width, room)
        if session.failure is not None:
            for line in body:
                line.stylize("dim")
        lines = [*top, *body]
    lines = [*lines, *[Text()] * (height - len(lines) - len(bottom)), *bottom][:height]
    lines = [fit(line, width) for line in lines]
    if ascii_only:
        for line in lines:
            line.plain = line.plain.translate(_ASCII)
    return lines


def _header(session: Session, width: int, now_s: float, zone: tzinfo | None) -> Text:
    names = {page.key: f" {page.key} {page.title} " for page in PAGES}
    line = Text("deskpulse", style="bold")
    if line.cell_len + sum(2 + len(name) for name in names.values()) + AS_OF_COLUMNS > width:
        # a key each; the page that is shown keeps its name
        names.update((page.key, f" {page.key} ") for page in PAGES if page is not session.page)
    for page in PAGES:
        line.append(" " if len(names[page.key]) == 3 else "  ")
        line.append(names[page.key], style="reverse" if page is session.page else "not bold")
    if session.figures is not None:
        pipeline = session.figures.pipeline
        right = f"data as of {_as_of(pipeline, now_s, zone)}, {_partitions(pipeline)}"
        if line.cell_len + 2 + len(right) > width:
            right = f"as of {_as_of(pipeline, now_s, zone)}"
        line.append(" " * max(2, width - line.cell_len - len(right)))
        line.append(right, style="not bold")
    return line


def _as_of(pipeline: Pipeline, now_s: float, zone: tzinfo | None) -> str:
    moment_s = pipeline.view_s if pipeline.fresh and pipeline.view_s else pipeline.watermark_s
    return clock(moment_s, now_s, zone) if moment_s else "no event yet"


def _partitions(pipeline: Pipeline) -> str:
    return f"{pipeline.partitions_ready} of {pipeline.partitions} partitions"


def _state(session: Session, now_s: float, zone: tzinfo | None) -> Text | None:
    """One sentence about anything that makes the figures less than true; None when they are."""
    if session.failure is not None:
        if session.figures is None:
            return Text(f"{session.failure}. Trying again.", style="bold red")
        since = clock(session.figures_at_s, now_s, zone)
        return Text(f"{session.failure}. What you see is from {since}. Trying again.", style="bold red")
    if session.figures is None:
        return Text(f"Asking {', '.join(session.urls)} ...", style="dim")
    pipeline = session.figures.pipeline
    if not pipeline.ready:
        message = session.message or f"Not ready: {_partitions(pipeline)} recovered."
        return Text(f"{message} The figures are not complete.", style="bold red")
    if pipeline.blocked:
        return Text("A partition waits for an operator: see /readyz.", style="bold red")
    if pipeline.partitions_ready < pipeline.partitions:
        return Text(
            f"Only {_partitions(pipeline)} here: name every worker's address to see the whole.",
            style="bold yellow",
        )
    if not pipeline.fresh:
        lag = count(pipeline.lag_records)
        return Text(f"Behind by {lag} records: the figures are more than a minute old.", style="bold yellow")
    return None


def _wrapped(state: Text | None, width: int) -> Block:
    if state is None:
        return []
    lines, line = [], Text(style=state.style)
    for word in state.plain.split():
        if line.cell_len and line.cell_len + 1 + len(word) > width:
            lines.append(line)
            line = Text(style=state.style)
        line.append(f" {word}" if line.cell_len else word)
    return [*lines, line]


def _footer(session: Session) -> Text:
    assert session.figures is not None
    pipeline = session.figures.pipeline
    line = Text(f"{per_second(session.events_s)}, {count(pipeline.processed)} counted, ")
    rejected = sum(pipeline.rejected.values())
    if not rejected:
        return line.append("none rejected")
    reasons = [f"{reason} {count(n)}" for reason, n in list(pipeline.rejected.items())[:REASONS_SHOWN]]
    more = ", ..." if len(pipeline.rejected) > REASONS_SHOWN else ""
    return line.append(f"{count(rejected)} rejected: {', '.join(reasons)}{more}", style="yellow")
