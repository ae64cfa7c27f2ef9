"""The committed routing, in short: receivers that post to a test, and waits of a second instead of minutes."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import yaml
from message_receiver import Receiver

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "alertmanager"
CONFIG = FOLDER / "alertmanager.yml"
RULES = ROOT / "deploy" / "prometheus" / "rules" / "deskpulse-alerts.yml"

Json = dict[str, Any]

#: Alertmanager counts in whole seconds here; what is repeated is none of a test's business, but for the Watchdog's
SHORT = {"group_wait": "1s", "group_interval": "1s"}


def committed() -> Json:
    """The configuration as it is committed."""
    found: Json = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    return found


def in_short(receiver: Receiver, *, open_now: bool = True) -> Json:
    """The same with receivers that post to the test under their own names; ``open_now``: office hours are now, or
    six hours ago."""
    config = committed()
    for route in (config["route"], *config["route"]["routes"]):
        route.update({name: value for name, value in SHORT.items() if name in route})
    for one in config["receivers"]:
        one["webhook_configs"] = [{"url": f"{receiver.url}/{one['name']}"}]
    (hours,) = config["time_intervals"]
    now = datetime.datetime.now(datetime.UTC)
    hour = now.hour if open_now else (now.hour - 6) % 24
    # the hour before and the one after: the hour may end while the test runs
    spans = [(hour + step) % 24 for step in (-1, 0, 1)]
    times = [{"start_time": f"{one:02}:00", "end_time": f"{one + 1:02}:00"} for one in spans]
    hours["time_intervals"] = [{"times": times, "location": "UTC"}]
    return config


def written(config: Json, folder: Path) -> Path:
    """The configuration as a file, with the committed templates."""
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump({**config, "templates": [str(FOLDER / "templates" / "*.tmpl")]}))
    return file


def alert_rules() -> dict[str, Json]:
    """Every alert rule by its name."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def labels_of(name: str) -> dict[str, str]:
    """What an alert carries, whatever it says."""
    return {"alertname": name, **alert_rules()[name]["labels"]}


def names_in(pattern: str) -> list[str]:
    """Alerts that a pattern of this file's matchers names."""
    return re.findall(r"Deskpulse\w+", pattern)
