"""Ports, names and files that one part of the stack says of another agree."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from compose_file import GRAFANAS, ROOT, SERVICES, mounted, option, yaml_file
from debian_programs import amtool, promtool
from dockerfile import DOCKERFILE

from streams.settings import Settings, load_settings

PROMETHEUS: dict[str, Any] = yaml_file("deploy/prometheus/prometheus.yml")
SOURCES: dict[str, Any] = yaml_file("deploy/grafana/provisioning/datasources/deskpulse.yml")
PROVIDERS: dict[str, Any] = yaml_file("deploy/grafana/provisioning/dashboards/deskpulse.yml")
#: the keys that Grafana's documents name; another one would be ignored without a word
SOURCE_KEYS = {
    "name", "type", "uid", "orgId", "access", "url", "user", "database", "basicAuth", "basicAuthUser",
    "withCredentials", "isDefault", "jsonData", "secureJsonData", "version", "editable",
}  # fmt: skip
PROMETHEUS_SOURCE_KEYS = {
    "timeInterval", "httpMethod", "prometheusType", "prometheusVersion", "manageAlerts", "customQueryParameters",
    "queryTimeout", "cacheLevel", "incrementalQuerying", "disableRecordingRules", "exemplarTraceIdDestinations",
    "defaultEditor", "disableMetricsLookup", "alertmanagerUid",
}  # fmt: skip
PROVIDER_KEYS = {
    "name", "orgId", "folder", "folderUid", "type", "disableDeletion", "updateIntervalSeconds", "allowUiUpdates",
    "options",
}  # fmt: skip


def targets(service: str | None, pattern: str) -> list[str]:
    """Addresses in the target files that Prometheus reads: on a host, or as a service sees them."""
    folder = mounted(service, "/etc/prometheus/targets") if service else ROOT / "deploy" / "prometheus" / "targets"
    found = sorted(folder.glob(Path(pattern).name))
    assert found, f"no file is {pattern}"
    return [str(one) for file in found for group in yaml_file(str(file)) for one in group["targets"]]


def patterns(section: dict[str, Any]) -> list[str]:
    return [str(name) for sd in section["file_sd_configs"] for name in sd["files"]]


def port_of(service: str) -> int:
    """The port inside that a service publishes."""
    (published,) = SERVICES[service]["ports"]
    return int(published.rsplit(":", 1)[1])


def published(service: str) -> str:
    """Where a browser on this machine finds a service."""
    return f"http://127.0.0.1:{SERVICES[service]['ports'][0].split(':')[1]}"


def test_prometheus_scrapes_every_worker_at_its_port() -> None:
    (job,) = PROMETHEUS["scrape_configs"]
    (pattern,) = patterns(job)
    assert targets("prometheus", pattern) == [f"worker:{port_of('worker')}"]
    assert targets(None, pattern) == [f"127.0.0.1:{Settings.model_fields['http_port'].default}"]


def test_prometheus_sends_alerts_to_the_alertmanager() -> None:
    (section,) = PROMETHEUS["alerting"]["alertmanagers"]
    (pattern,) = patterns(section)
    assert targets("prometheus", pattern) == [f"alertmanager:{port_of('alertmanager')}"]
    assert targets(None, pattern) == ["127.0.0.1:9093"]


def test_prometheus_finds_its_configuration_and_every_rule_where_compose_mounts_them() -> None:
    assert mounted("prometheus", option("prometheus", "config.file")) == ROOT / "deploy/prometheus/prometheus.yml"
    rules = mounted("prometheus", "/etc/prometheus/rules")
    assert PROMETHEUS["rule_files"] == ["rules/*.yml"]
    assert {"deskpulse-recording.yml", "deskpulse-alerts.yml"} <= {path.name for path in rules.glob("*.yml")}


def test_the_alertmanager_finds_its_configuration_and_templates_where_compose_mounts_them() -> None:
    path = option("alertmanager", "config.file")
    config = mounted("alertmanager", path)
    assert config == ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
    for pattern in yaml_file(str(config))["templates"]:
        assert list(config.parent.glob(pattern)), f"no file is {pattern}"


@pytest.mark.parametrize("service", ["prometheus", "alertmanager"])
def test_links_in_messages_lead_to_where_a_browser_finds_the_service(service: str) -> None:
    assert option(service, "web.external-url") == published(service)


@pytest.mark.parametrize("service", GRAFANAS)
def test_links_to_boards_lead_to_where_a_browser_finds_grafana(service: str) -> None:
    assert SERVICES[service]["environment"]["GF_SERVER_ROOT_URL"] == f"{published(service)}/"
    template = (ROOT / "deploy" / "alertmanager" / "templates" / "deskpulse.tmpl").read_text(encoding="utf-8")
    assert published(service) in template


@pytest.mark.parametrize("service", ["prometheus", "alertmanager"])
def test_what_a_service_keeps_lies_on_its_volume(service: str) -> None:
    path = option(service, "storage.tsdb.path" if service == "prometheus" else "storage.path")
    assert f"{service}-data:{path}" in SERVICES[service]["volumes"]


@pytest.mark.parametrize("service", ["prometheus", "alertmanager", *GRAFANAS])
def test_health_is_asked_at_the_port_of_the_service(service: str) -> None:
    assert f"http://127.0.0.1:{port_of(service)}" in " ".join(SERVICES[service]["healthcheck"]["test"])


def test_the_image_s_health_check_asks_at_the_worker_s_port() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    port = Settings.model_fields["http_port"].default
    assert port_of("worker") == port
    assert f"EXPOSE {port}\n" in text
    assert f"http://127.0.0.1:{port}/readyz" in text


def test_workers_reach_the_broker_at_an_address_that_it_advertises() -> None:
    kafka = SERVICES["kafka"]["environment"]
    advertised = re.findall(r"//([^,]+)", kafka["KAFKA_ADVERTISED_LISTENERS"])
    assert SERVICES["worker"]["environment"]["DESKPULSE_BROKERS"] in advertised
    assert SERVICES["kafka"]["healthcheck"]["test"][-1] in advertised
    assert SERVICES["kafka"]["ports"] == ["127.0.0.1:9092:9092"]
    assert "127.0.0.1:9092" in advertised


def test_the_rules_count_the_topics_that_the_worker_reads() -> None:
    settings = load_settings(ROOT / "deploy" / "deskpulse.toml")
    rules = (ROOT / "deploy" / "prometheus" / "rules" / "deskpulse-recording.yml").read_text(encoding="utf-8")
    assert set(re.findall(r'topic="([^"]+)"', rules)) == {settings.helpdesk_topic, settings.crm_topic}


def test_grafana_s_data_source_is_the_prometheus_of_the_stack_and_the_boards_choice() -> None:
    (source,) = SOURCES["datasources"]
    assert source.keys() <= SOURCE_KEYS
    assert source["jsonData"].keys() <= PROMETHEUS_SOURCE_KEYS
    assert source["url"] == f"http://prometheus:{port_of('prometheus')}"
    # a board begins with `default`
    assert source["isDefault"] is True
    for board in boards():
        variables = {variable["name"]: variable for variable in board["templating"]["list"]}
        assert variables["datasource"]["query"] == source["type"]
        assert variables["datasource"]["current"]["value"] == "default"


def test_rates_on_boards_span_at_least_four_scrapes() -> None:
    """$__rate_interval is max(step + timeInterval, 4 * timeInterval), so the two intervals must be one."""
    (source,) = SOURCES["datasources"]
    assert source["jsonData"]["timeInterval"] == PROMETHEUS["global"]["scrape_interval"]
    panels = [panel for board in boards() for panel in board["panels"]]
    panels += [inner for panel in panels for inner in panel.get("panels", [])]
    expressions = [str(target["expr"]) for panel in panels for target in panel.get("targets", [])]
    rates = [expression for expression in expressions if re.search(r"\b(rate|irate)\(", expression)]
    assert rates
    assert all("$__rate_interval" in expression for expression in rates)


@pytest.mark.parametrize("service", GRAFANAS)
def test_grafana_finds_every_board_where_compose_mounts_them(service: str) -> None:
    (provider,) = PROVIDERS["providers"]
    assert provider.keys() <= PROVIDER_KEYS
    assert provider["options"].keys() <= {"path", "foldersFromFilesStructure"}
    assert mounted(service, provider["options"]["path"]) == ROOT / "grafana" / "dashboards"
    home = SERVICES[service]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert mounted(service, home).is_file()
    for kind in ("datasources", "dashboards"):
        assert mounted(service, f"/etc/grafana/provisioning/{kind}/deskpulse.yml").is_file()


def test_prometheus_accepts_the_configuration_as_the_container_sees_it(tmp_path: Path) -> None:
    for target in ("prometheus.yml", "rules", "targets"):
        source = mounted("prometheus", f"/etc/prometheus/{target}")
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / target)
    checked = promtool("check", "config", "--lint=all", "--lint-fatal", str(tmp_path / "prometheus.yml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_alertmanager_accepts_the_configuration_that_compose_mounts() -> None:
    done = amtool("check-config", str(mounted("alertmanager", option("alertmanager", "config.file"))))
    assert done.returncode == 0, done.stdout + done.stderr


def boards() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((ROOT / "grafana" / "dashboards").glob("*.json"))]
