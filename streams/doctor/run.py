"""All checks in turn; nothing is written and no group is joined."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence

from streams.doctor.cluster import Cluster, cluster_findings, look_at_cluster
from streams.doctor.findings import Finding, Level, ok, problem, warning
from streams.doctor.sample import Sample, label_findings, sample_findings, take_sample
from streams.doctor.topics import topic_findings
from streams.log_reader import LogReader
from streams.serving.exposition import bounded_labels
from streams.settings import ConfigurationError, Settings
from streams.shards import form_of
from streams.topics import HOUR_MS, Described, Topic, admin_client, describe_topics, sources

#: (form, setting ``native``) -> what is said of it; the numbers are the same, so none is worth a warning
_FORMS: dict[tuple[str, bool], str] = {
    ("compiled", True): "compiled: the common case is counted in C",
    ("pure", False): "pure, as native = false asks: slower, with the same numbers",
    ("pure", True): "pure: slower, with the same numbers; for C, install deskpulse again where a C compiler is",
}


async def examine(settings: Settings, *, downtime_h: float) -> list[Finding]:
    """Every finding, in the order of the checks; a cluster that does not answer ends them."""
    findings = list(configuration_findings(settings))
    try:
        async with admin_client(settings) as admin:
            cluster = await look_at_cluster(admin, settings)
        described = await describe_topics(settings)
    except ConfigurationError as error:
        return [*findings, problem("brokers", *_sentence(error))]
    findings += cluster_findings(cluster, settings)
    downtime_ms = int(downtime_h * HOUR_MS)
    findings += topic_findings(described, settings, brokers=len(cluster.brokers), downtime_ms=downtime_ms)
    findings += await _sampled(settings, cluster, described)
    return findings


def configuration_findings(settings: Settings) -> Iterator[Finding]:
    """What can be said of the settings alone; that they are valid is known when they are loaded."""
    versions = len(settings.core_policy.versions)
    yield ok("configuration", f"app_id {settings.app_id}, {versions} policy version{'s' * (versions > 1)}")
    if settings.clock != "wall":
        yield warning(
            "configuration",
            f"the clock is {settings.clock}, so live numbers do not move with the time of day",
            "leave clock out for a live monitor",
        )
    yield ok("form", _FORMS[form_of(settings), settings.native])


async def _sampled(
    settings: Settings, cluster: Cluster, described: Sequence[tuple[Topic, Described | None]]
) -> list[Finding]:
    findings: list[Finding] = []
    configs = {found.name: found.configs for _, found in described if found is not None}
    values: dict[str, Counter[str]] = {}
    policy = settings.core_policy
    labels = bounded_labels(policy)
    async with LogReader(settings) as log:
        for topic in sources(settings):
            if topic not in cluster.topics:
                continue
            sample = await take_sample(log, topic, labels)
            by_broker = configs.get(topic, {}).get("message.timestamp.type") == "LogAppendTime"
            findings += sample_findings(
                sample,
                now_ms=int(time.time() * 1000),
                appended_by="a broker" if by_broker else "its producer",
            )
            _add(values, sample)
    findings += label_findings(values, policy)
    return findings


def _add(values: dict[str, Counter[str]], sample: Sample) -> None:
    for label, counts in sample.values.items():
        values.setdefault(label, Counter()).update(counts)


def _sentence(error: ConfigurationError) -> tuple[str, str]:
    """What was found and what to do, out of a sentence of the form "this: that"."""
    found, _, advice = str(error).rpartition(": ")
    return (found, advice) if found else (advice, "")


def worst_of(findings: Sequence[Finding]) -> Level:
    """The worst level among findings."""
    levels = {finding.level for finding in findings}
    return next((level for level in (Level.PROBLEM, Level.WARNING) if level in levels), Level.OK)
