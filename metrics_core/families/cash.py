"""Cash: what flows through the books, and where."""

from metrics_core import facts
from metrics_core.families.base import Family
from metrics_core.ledgers import CASH_KINDS
from metrics_core.series import Series

FAMILY = Family(
    id="cash",
    question="Does the business bring in more cash than it takes?",
    traps=(
        "Signed as the books sign it: what investment and working capital take up is positive there and is "
        "subtracted in net_cash. Never add currencies, nor kinds: the sum of the three means nothing."
    ),
    events=("finance.cash_flow.recorded",),
    series=(
        Series(
            "cash_flow",
            "gauge",
            ("window", "kind", "currency"),
            "Cash flow recorded in the window, in major units, as the books sign it: operating cash comes in, "
            "investment and working capital take it up. Never summed across currencies.",
            enums={"kind": CASH_KINDS},
            leaves_as="major_units",
        ),
    ),
    counts={facts.CASH_FLOW: ("cash_flow", {})},
    per="none",
    layout=("kind", "currency"),
)
