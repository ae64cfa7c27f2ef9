"""The page of metrics: what the catalog says of families, derived metrics and the pipeline's own series."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric

from metrics_core.counters import Counters
from metrics_core.policy import Policy
from streams.engine.status import EngineStatus, PartitionStatus
from streams.listing import ListedDerived, ListedFamily, ListedSeries, listing
from streams.serving.pipeline import ScrapeFacts, engine_families, policy_label, scrape_families
from streams.settings import Settings

_HISTOGRAM = "gauge histogram: `_bucket`, `_gcount`, `_gsum`"
#: what Prometheus adds to the name of a kind of metric
_ENDINGS = {"counter": "_total", "info": "_info", "histogram": "_bucket"}


def metrics_page(intro: str) -> str:
    """The whole page, after its introduction."""
    catalog = listing(Policy())
    lines = [intro, "## Series\n"]
    for family in catalog.families:
        lines += _family(family, [one for one in catalog.series if one.family == family.id])
    lines.append(
        "## Derived metrics\n\n"
        "One definition each: reports and replays evaluate it, Prometheus records it under the name given.\n"
        "Workers are summed first, then divided; what a numerator lacks is 0, and a denominator that is not above\n"
        "0 gives no value. Names are without the prefix; braces pin labels.\n"
    )
    for derived in catalog.derived:
        lines += _derived(derived)
    lines.append("## The pipeline's own series\n\n| series | kind | labels | what |\n|---|---|---|---|")
    lines += _pipeline()
    return "\n".join(lines) + "\n"


def _family(family: ListedFamily, series: list[ListedSeries]) -> Iterator[str]:
    yield f"### {family.id.replace('_', ' ')}\n\n*{family.question}*\n"
    for one in series:
        kind = "gauge" if one.kind == "gauge" else _HISTOGRAM
        labels = ", ".join(
            f"`{label}`" if values is None else f"`{label}` = {', '.join(values)}"
            for label, values in one.labels.items()
        )
        yield f"- `{one.name}` ({kind}; {one.unit}). {one.help}\n  Labels: {labels or 'none'}.\n"
    yield f"Events: {_events(family.events)}.\n"
    yield f"Traps: {family.traps}\n"


def _derived(derived: ListedDerived) -> Iterator[str]:
    by = f" by {', '.join(f'`{label}`' for label in derived.labels)}" if derived.labels else ", one value"
    yield f"### `{derived.id}`\n\n*{derived.question}*\n"
    yield f"`{derived.formula}`\n"
    recorded = f"Recorded as `{derived.rule}`" if derived.rule else "In reports and replays alone"
    yield f"{recorded}{by}. Unit: {derived.unit}. Events: {_events(derived.events)}.\n"
    yield f"Traps: {derived.traps}\n"


def _events(events: tuple[str, ...]) -> str:
    """Types that begin alike share their beginning."""
    kinds: dict[str, list[str]] = {}
    for event in events:
        beginning, _, last = event.rpartition(".")
        kinds.setdefault(beginning, []).append(last)
    return "; ".join(f"{beginning}.{' / '.join(last)}" for beginning, last in kinds.items())


def _pipeline() -> Iterator[str]:
    """A row a series, as a worker would show it that has counted something."""
    settings, topic = Settings.model_construct(), "helpdesk.events"
    state = PartitionStatus(topic, 0, watermark_us=1, last_checkpoint_s=1)
    counters = Counters()
    status = EngineStatus(partitions={(topic, 0): state}, topic_partitions={topic: 1}, counters={topic: counters})
    families = [
        *engine_families(status, settings, policy_label(Policy()), {(topic, 0)}),
        *scrape_families(ScrapeFacts(starts_us={"customers": 1}), 0),
    ]
    for family in sorted(families, key=lambda one: one.name):
        ending = _ENDINGS.get(family.type, "")
        labels = ", ".join(f"`{label}`" for label in _labels(family))
        yield f"| `{family.name}{ending}` | {family.type} | {labels or '-'} | {family.documentation} |"


def _labels(family: Metric) -> list[str]:
    return list(dict.fromkeys(label for sample in family.samples for label in sample.labels))
