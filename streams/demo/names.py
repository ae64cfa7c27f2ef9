"""Names of the demo's topics: a broker that is not ours gets ones that cannot meet real events."""

from __future__ import annotations

import os

from streams.settings import Settings


def demo_settings(settings: Settings, **changes: object) -> Settings:
    """The settings for one run of the demo; ``changes`` are made as well."""
    names: dict[str, object] = {}
    if settings.brokers:
        run = f"demo.{os.getpid()}"
        names = {
            "app_id": f"{settings.app_id}-{run}",
            "helpdesk_topic": f"{run}.{settings.helpdesk_topic}",
            "crm_topic": f"{run}.{settings.crm_topic}",
            "rejected_topic": f"{run}.{settings.rejected_topic}",
        }
    return settings.model_copy(update={**names, **changes})
