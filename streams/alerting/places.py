"""Where boards and panels are found: uids and panel numbers that links from alerts, documents and boards rely on.

A number once given stays with its panel; a panel that goes takes its number along.
"""

from __future__ import annotations

from typing import Final, NamedTuple

WALLBOARD: Final = "deskpulse-wallboard"
LIVE: Final = "deskpulse-live"
QUEUE: Final = "deskpulse-queue"
SLA: Final = "deskpulse-sla"
CUSTOMERS: Final = "deskpulse-customers"
REVENUE: Final = "deskpulse-revenue"
SATISFACTION: Final = "deskpulse-satisfaction"
TEAM: Final = "deskpulse-team"
PIPELINE: Final = "deskpulse-pipeline"

#: in the order of the menu
BOARDS: Final = (WALLBOARD, LIVE, QUEUE, SLA, CUSTOMERS, REVENUE, SATISFACTION, TEAM, PIPELINE)
PLAYLIST: Final = "deskpulse-wall"


class Place(NamedTuple):
    """A panel of a board."""

    board: str
    panel: int

    @property
    def path(self) -> str:
        """The panel alone, below Grafana's own address; variables may follow as &var-name=value."""
        return f"/d/{self.board}?viewPanel={self.panel}"


#: on every board
AS_OF_PANEL: Final = 1
PARTITIONS_PANEL: Final = 2

# what alerts link to
WAITING: Final = Place(LIVE, 11)
LONGEST_WAIT: Final = Place(LIVE, 13)
INTAKE: Final = Place(LIVE, 20)
INFLOW: Final = Place(LIVE, 21)
BACKLOG_BY_GROUP: Final = Place(LIVE, 22)
FIRST_RESPONSE: Final = Place(LIVE, 24)
BACKLOG_OLDER: Final = Place(LIVE, 27)
RESOLUTION_TIME: Final = Place(QUEUE, 30)
AT_RISK: Final = Place(SLA, 10)
OVERDUE: Final = Place(SLA, 11)
ATTAINMENT: Final = Place(SLA, 12)
BURN: Final = Place(SLA, 20)
CHURN: Final = Place(CUSTOMERS, 20)
COMPLAINT_ESCALATION: Final = Place(SATISFACTION, 33)
COMPLETE: Final = Place(PIPELINE, 10)
FRESH: Final = Place(PIPELINE, 11)
READY: Final = Place(PIPELINE, 12)
LAG: Final = Place(PIPELINE, 20)
WATERMARK: Final = Place(PIPELINE, 21)
PROCESSED: Final = Place(PIPELINE, 22)
REJECTED: Final = Place(PIPELINE, 23)
RECOVERY: Final = Place(PIPELINE, 30)
REFUSED: Final = Place(PIPELINE, 31)
SERIES: Final = Place(PIPELINE, 40)
VERSIONS: Final = Place(PIPELINE, 41)

#: panels that alerts link to, by the name that they have here
PLACES: Final = {name: place for name, place in list(globals().items()) if isinstance(place, Place)}
