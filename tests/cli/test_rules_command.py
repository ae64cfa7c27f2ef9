"""``deskpulse rules``: rule files for one's own policy and topics."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CONFIG = """
helpdesk_topic = "desk"
crm_topic = "sales"
[policy.goals]
overdue = 77
attainment = 0.95
"""


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streams.cli.main", "rules", *map(str, arguments)], capture_output=True, text=True
    )


def test_rules_are_written_for_the_topics_and_goals_of_a_configuration(tmp_path: Path) -> None:
    config, out = tmp_path / "own.toml", tmp_path / "new" / "rules"
    config.write_text(CONFIG, encoding="utf-8")
    done = run("--config", config, "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(out / name) for name in ("deskpulse-recording.yml", "deskpulse-alerts.yml")]
    texts = [path.read_text(encoding="utf-8") for path in out.iterdir()]
    assert len(texts) == 2
    assert all('topic="desk"' in text and "helpdesk.events" not in text for text in texts)
    assert all('topic="sales"' in text and "crm.events" not in text for text in texts)
    alerts = (out / "deskpulse-alerts.yml").read_text(encoding="utf-8")
    assert '{state="breached",target="first_response"}) > 77' in alerts
    assert 'max(deskpulse:first_response_attainment{window="24h"}) < 0.95' in alerts


def test_a_goal_that_cannot_be_missed_stops_with_its_line(tmp_path: Path) -> None:
    config = tmp_path / "own.toml"
    config.write_text(CONFIG.replace("0.95", "1.0"), encoding="utf-8")
    done = run("--config", config, "--out", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"deskpulse: {config}, line 6: policy.goals.attainment must lie between 0 and 1")


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("--out", tmp_path / "file" / "rules")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "choose another --out" in done.stderr
