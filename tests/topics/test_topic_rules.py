"""What is said of topics, and what settings become, without a broker."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from streams.connect import client_arguments
from streams.settings import ConfigurationError, load_settings
from streams.topics import Described, Topic, findings_of, plan

CHANGELOG = plan(load_settings(brokers="127.0.0.1:1", replication=3))[-1]
SOURCE = plan(load_settings(brokers="127.0.0.1:1", replication=3))[0]


def as_wanted(wanted: Topic) -> Described:
    return Described(wanted.name, "id", wanted.partitions, wanted.replication, 0, wanted.configs)


def messages(wanted: Topic, found: Described) -> list[str]:
    return [f"{finding.level} {finding.message.split(' ')[0]}" for finding in findings_of(wanted, found)]


def test_a_topic_as_wanted_has_no_findings() -> None:
    assert messages(CHANGELOG, as_wanted(CHANGELOG)) == []
    assert messages(SOURCE, as_wanted(SOURCE)) == []


def test_three_replicas_ask_for_two_in_sync_and_one_for_one() -> None:
    assert CHANGELOG.configs["min.insync.replicas"] == "2"
    assert plan(load_settings(brokers="127.0.0.1:1"))[-1].configs["min.insync.replicas"] == "1"


def test_a_changelog_that_also_deletes_is_an_error() -> None:
    configs = {**CHANGELOG.configs, "cleanup.policy": "compact,delete"}
    assert messages(CHANGELOG, replace(as_wanted(CHANGELOG), configs=configs)) == ["error cleanup.policy"]


def test_a_source_that_forgets_within_a_day_is_a_warning() -> None:
    configs = {**SOURCE.configs, "retention.ms": "3600000"}
    assert messages(SOURCE, replace(as_wanted(SOURCE), configs=configs)) == ["warning retention.ms"]


def test_a_source_that_never_forgets_is_fine() -> None:
    configs = {**SOURCE.configs, "retention.ms": "-1"}
    assert messages(SOURCE, replace(as_wanted(SOURCE), configs=configs)) == []


@pytest.mark.parametrize(
    ("replication", "in_sync", "said"),
    [
        (3, "1", ["warning min.insync.replicas"]),
        (3, "3", ["warning min.insync.replicas"]),
        (3, "4", ["error min.insync.replicas"]),
        (2, "1", ["warning it"]),
    ],
)
def test_replicas_that_lose_state_or_stop_writes_are_found(replication: int, in_sync: str, said: list[str]) -> None:
    configs = {**CHANGELOG.configs, "min.insync.replicas": in_sync}
    found = replace(as_wanted(CHANGELOG), replication=replication, configs=configs)
    assert messages(CHANGELOG, found) == said


def test_partitions_without_a_leader_are_an_error() -> None:
    assert messages(SOURCE, replace(as_wanted(SOURCE), leaderless=1)) == ["error 1"]


def test_without_security_settings_the_connection_is_plain() -> None:
    arguments = client_arguments(load_settings(brokers="one:9092, two:9093"))
    assert arguments == {"bootstrap_servers": ["one:9092", "two:9093"], "security_protocol": "PLAINTEXT"}


def test_sasl_settings_reach_the_client() -> None:
    settings = load_settings(
        brokers="one:9092", sasl_mechanism="SCRAM-SHA-512", sasl_username="monitor", sasl_password="secret"
    )
    arguments = client_arguments(settings)
    assert arguments["security_protocol"] == "SASL_PLAINTEXT"
    assert arguments["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (arguments["sasl_plain_username"], arguments["sasl_plain_password"]) == ("monitor", "secret")


@pytest.mark.parametrize("brokers", ["kafka", "kafka:port", ":9092", "one:9092,,two:9092", "one:99999"])
def test_an_address_without_host_and_port_is_one_sentence(brokers: str) -> None:
    with pytest.raises(ConfigurationError, match="host:port"):
        client_arguments(load_settings(brokers=brokers))


def test_no_brokers_is_one_sentence_that_names_the_setting() -> None:
    with pytest.raises(ConfigurationError, match="DESKPULSE_BROKERS"):
        client_arguments(load_settings())


def test_a_certificate_without_its_key_is_one_sentence(tmp_path: Path) -> None:
    certificate = tmp_path / "client.pem"
    certificate.touch()
    with pytest.raises(ConfigurationError, match="tls_key"):
        client_arguments(load_settings(brokers="one:9092", tls_cert=certificate))


def test_an_authority_file_that_is_not_pem_is_one_sentence(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("not a certificate", encoding="ascii")
    with pytest.raises(ConfigurationError, match="PEM"):
        client_arguments(load_settings(brokers="one:9092", tls_ca=authority))


def test_a_broker_that_does_not_answer_is_one_sentence_and_exit_status_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli.main", "topics", "check", "--brokers", "127.0.0.1:1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("deskpulse: no Kafka broker answers at 127.0.0.1:1")
    assert done.stderr.count("\n") == 1
