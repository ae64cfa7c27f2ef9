"""A policy that cannot work stops the start with one sentence; one that changes anything changes its hash."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from metrics_core.policy import Policy, PolicyError, Version


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"preset": "zendesk"}, "policy.preset"),
        ({"versions": [{"preset": "nonsense"}]}, "Invalid enum value"),
        ({"horizon_days": 60}, "policy.horizon_days"),
        ({"history_events": 7}, "policy.history_events"),
        ({"history_events": 1025}, "policy.history_events"),
        ({"gauge_labels": ["mood"]}, "'mood'"),
        ({"histogram_labels": ["agent"]}, "policy.roster"),
        ({"horizon_days": "long"}, "horizon_days"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_policy_that_cannot_work_is_refused_in_a_line_that_names_the_key(
    table: dict[str, Any], named: str
) -> None:
    with pytest.raises(PolicyError, match=named) as caught:
        Policy.parse(table)
    assert "\n" not in str(caught.value)


def test_an_empty_table_is_the_strict_preset() -> None:
    assert Policy.parse({}) == Policy()


def test_the_default_horizon_is_twice_the_longest_window_and_ten_days() -> None:
    assert Policy().horizon_days == 70


@pytest.mark.parametrize(
    "change", [{"horizon_days": 71}, {"tenant": "acme"}, {"versions": (Version(idle_days=30),)}]
)
def test_a_change_of_what_is_counted_changes_the_hash(change: dict[str, Any]) -> None:
    changed = msgspec.structs.replace(Policy(), **change)
    assert changed.hash != Policy().hash
    assert changed.hash == msgspec.structs.replace(Policy(), **change).hash


@pytest.mark.parametrize("change", [{"gauge_labels": ("group",)}, {"label_limit": 5}])
def test_a_change_of_what_is_shown_keeps_the_hash(change: dict[str, Any]) -> None:
    """Else a bound on labels could only be changed by counting everything anew."""
    assert msgspec.structs.replace(Policy(), **change).hash == Policy().hash
