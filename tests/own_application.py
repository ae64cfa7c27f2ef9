"""An application of a test's own."""

from __future__ import annotations

from typing import Any

from streams.settings import Settings, load_settings


def own_application(bootstrap: str, name: str, **more: Any) -> Settings:
    """Settings of an application whose topics have its name in theirs; ``more`` are further settings."""
    return load_settings(
        brokers=bootstrap,
        app_id=name,
        helpdesk_topic=f"{name}-helpdesk",
        crm_topic=f"{name}-crm",
        rejected_topic=f"{name}-rejected",
        **more,
    )
