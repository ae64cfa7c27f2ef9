"""Scenarios as promtool's rule tests: written, run, and what it says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from debian_programs import promtool
from exposition import Exposition

from streams.alerting.alert import Alert, Terms
from streams.alerting.rules import alerts, rule_files

TERMS = Terms()
FILES = rule_files(TERMS)
ALERTS = {alert.name: alert for alert in alerts(TERMS)}
#: beyond a day samples are further apart: a week is looked back on, not lived through
_DAY_MIN, _APART_MIN = 24 * 60, 10


@dataclass
class Trial:
    """Series, and what must fire at which minutes: labels and annotations beside those that never change."""

    name: str
    shown: Exposition
    alert: str
    at: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    queries: list[dict[str, Any]] = field(default_factory=list)
    #: minutes between two looks at the rules
    step: int = 1

    def written(self) -> dict[str, Any]:
        """As promtool takes it."""
        apart = _APART_MIN if self.shown.minutes > _DAY_MIN else 1
        return {
            "name": self.name,
            "interval": f"{apart}m",
            "input_series": self.shown.input_series(apart),
            "alert_rule_test": [
                {"eval_time": f"{minute}m", "alertname": self.alert, "exp_alerts": wanted}
                for minute, wanted in self.at.items()
            ],
            "promql_expr_test": self.queries,
        }


def run(folder: Path, trials: list[Trial], files: dict[str, str] | None = None) -> str:
    """What promtool has against the trials with these rule files; nothing where all hold."""
    files = files or FILES
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    (step,) = {trial.step for trial in trials}
    tests = {
        "rule_files": list(files),
        # recorded metrics before what reads them
        "group_eval_order": re.findall(r"^  - name: (.+)$", "\n".join(files.values()), re.MULTILINE),
        "evaluation_interval": f"{step}m",
        "tests": [trial.written() for trial in trials],
    }
    path = folder / "tests.yml"
    # JSON is YAML, and quicker
    path.write_text(json.dumps(tests), encoding="utf-8")
    done = promtool("test", "rules", str(path))
    return "" if done.returncode == 0 else done.stdout + done.stderr


def expected(alert: Alert, labels: dict[str, str], summary: str, description: str) -> dict[str, Any]:
    """An alert that fires, as promtool compares it."""
    links = {"dashboard": alert.annotations["dashboard"], "runbook": alert.runbook}
    links["dashboard"] = links["dashboard"].replace("{{ $labels.topic }}", labels.get("topic", ""))
    return {
        "exp_labels": {**alert.labels, **labels},
        "exp_annotations": {"summary": summary, "description": description, **links},
    }
