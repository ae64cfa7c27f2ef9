"""A policy that cannot work names the file and the line that says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.settings import ConfigurationError, load_settings

POLICY = """\
app_id = "desk"

[policy]
label_limit = 40
label_values.group = ["billing"]

[[policy.versions]]
preset = "zendesk"

[[policy.versions]]
version = 2
effective_from = 2026-04-01T00:00:00+02:00

[policy.versions.calendars.desk]
zone = "Europe/Berlin"
holidays = [2026-12-24, 2026-12-31]
[policy.versions.calendars.desk.hours]
mon = [
  "09:00-12:00",
  "13:00-17:00",
]

[[policy.versions.sla]]
name = "all"
first_response_s = 3600
calendar = "desk"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "deskpulse.toml"


def refusal(config: Path, text: str) -> str:
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(config)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_policy_file_that_can_be_used_is_used(config: Path) -> None:
    config.write_text(POLICY, encoding="utf-8")
    policy = load_settings(config).core_policy
    assert [version.preset for version in policy.versions] == ["zendesk", "strict"]
    assert policy.newest.calendars["desk"].holidays == ("2026-12-24", "2026-12-31")


@pytest.mark.parametrize(
    ("written", "instead", "line", "said"),
    [
        ("label_limit = 40", "label_limit = 0", 4, "at least 1"),
        ("label_limit = 40", "label_limits = 40", 4, "did you mean 'label_limit'?"),
        ("label_values.group", "label_values.groop", 5, "did you mean 'group'?"),
        ("zendesk", "zendeks", 8, "did you mean 'zendesk'?"),
        ("version = 2\n", "", 10, "number it 2"),
        ("+02:00", "", 12, "offset"),
        ("Europe/Berlin", "Europe/Munich", 15, "time zone"),
        ("2026-12-31", "'2026-12-32'", 16, "no date"),
        ('"13:00', '"11:00', 20, "overlap"),
        ("= 3600", "= 3500", 25, "use 1800 or 3600"),
        ('calendar = "desk"', 'calendar = "dusk"', 26, "did you mean 'desk'?"),
    ],
)
def test_a_value_that_cannot_work_is_named_by_file_and_line(
    written: str, instead: str, line: int, said: str, config: Path
) -> None:
    assert written in POLICY
    sentence = refusal(config, POLICY.replace(written, instead))
    assert sentence.startswith(f"{config}, line {line}: ")
    assert said in sentence


def test_what_a_variable_says_is_not_looked_for_in_the_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKPULSE_POLICY", '{"label_limit": 0}')
    assert refusal(config, POLICY).startswith("DESKPULSE_POLICY: policy.label_limit")


def test_a_file_that_is_no_toml_is_named_with_the_place(config: Path) -> None:
    assert "TOML" in refusal(config, "[policy\n")
    assert "line 2" in refusal(config, "a = 1\nb = \n")


def test_a_tenant_belongs_above_the_policy(config: Path) -> None:
    assert f"{config}, line 2: tenant" in refusal(config, "[policy]\ntenant = 'acme'\n")
