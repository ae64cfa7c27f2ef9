"""Golden traces: what happens to one ticket, and what each preset makes of it, written by hand.

Times are minutes; durations are (how many, minutes in all). A trace tells what strict expects, and for each vendor
only what differs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

#: (kind, minute, data)
Told = tuple[str, float, dict[str, Any]]
Duration = tuple[int, float]


class Expected(NamedTuple):
    """What is counted of a ticket at the end of its day."""

    first_response: Duration = (0, 0)
    first: Duration = (0, 0)
    full: Duration = (0, 0)
    every: Duration = (0, 0)
    reply_wait: Duration = (0, 0)
    #: of the ticket, each counted once
    flows: frozenset[str] = frozenset(("created",))
    #: customer, agent, bot, system
    messages: tuple[int, int, int, int] = (0, 0, 0, 0)
    open: int = 1
    unanswered: int = 0


class Trace(NamedTuple):
    """One story; ``vendors`` names the fields in which a vendor differs from strict."""

    told: tuple[Told, ...]
    strict: Expected
    vendors: dict[str, dict[str, Any]]

    def expected(self, preset: str) -> Expected:
        """What a preset makes of it."""
        return self.strict._replace(**self.vendors.get(preset, {}))


def _told(kind: str, at: float, /, **about: Any) -> Told:
    return (kind, at, about)


def _created(at: float, actor: str = "customer") -> Told:
    return _told("created", at, actor=actor)


def _message(at: float, actor: str, *, public: bool = True) -> Told:
    return _told("message", at, actor=actor, public=public)


def _status(at: float, to: str) -> Told:
    return _told("status_changed", at, to=to)


def _flows(*names: str) -> frozenset[str]:
    return frozenset(("created", *names))


NONE: Duration = (0, 0)

TRACES = {
    "bot first": Trace(
        (_created(0), _message(1, "bot"), _message(10, "agent")),
        # the bot's minute answers nothing: first response and wait are those of the agent, 10 - 0
        Expected(first_response=(1, 10), reply_wait=(1, 10), messages=(0, 1, 1, 0)),
        # the bot ends the wait (waiting_since), and a first response is no reply_time
        {"chatwoot": {"reply_wait": NONE}},
    ),
    "bot only": Trace(
        (_created(0), _message(1, "bot")),
        Expected(messages=(0, 0, 1, 0), unanswered=1),
        # waiting_since is cleared by the bot's message: nobody waits
        {"chatwoot": {"unanswered": 0}},
    ),
    "private note first": Trace(
        (_created(0), _message(2, "agent", public=False), _message(7, "agent")),
        # the note is no answer anywhere; both messages are counted as messages
        Expected(first_response=(1, 7), reply_wait=(1, 7), messages=(0, 2, 0, 0)),
        {"chatwoot": {"reply_wait": NONE}},
    ),
    "opened by an agent, answered by the customer": Trace(
        (
            _created(0, "agent"),
            _message(0, "agent"),
            _message(30, "customer"),
            _message(40, "agent"),
            _status(50, "resolved"),
        ),
        # the opening message is the first public agent message: 0 min; the customer waited 40 - 30
        Expected(
            first_response=(1, 0),
            first=(1, 50),
            full=(1, 50),
            every=(1, 50),
            reply_wait=(1, 10),
            flows=_flows("resolved"),
            messages=(1, 2, 0, 0),
            open=0,
        ),
        {
            # the second public agent comment, less the creation
            "zendesk": {"first_response": (1, 40)},
            # all from the customer's first message: 40 - 30, 50 - 30
            "intercom": {"first_response": (1, 10), "first": (1, 20), "full": (1, 20), "every": (1, 20)},
            # the opening message was the first response, so the wait that 40 ends is a reply_time: as strict
        },
    ),
    "opened by an agent, never answered by the customer": Trace(
        (_created(0, "agent"), _message(20, "agent"), _status(30, "resolved")),
        # 20 is the next public agent message after the creation; nobody waited
        Expected(
            first_response=(1, 20),
            first=(1, 30),
            full=(1, 30),
            every=(1, 30),
            flows=_flows("resolved", "one_touch"),
            messages=(0, 1, 0, 0),
            open=0,
        ),
        # without a message of the customer nothing is answered or closed; the transitions are counted all the same
        {"intercom": {"first_response": NONE, "first": NONE, "full": NONE, "every": NONE}},
    ),
    "opened by a bot, then the customer": Trace(
        (_created(0, "bot"), _message(5, "customer"), _message(9, "agent")),
        # from the creation, whoever opened it; the customer waited 9 - 5
        Expected(first_response=(1, 9), reply_wait=(1, 4), messages=(1, 1, 0, 0)),
        {"intercom": {"first_response": (1, 4)}, "chatwoot": {"reply_wait": NONE}},
    ),
    "merged": Trace(
        (_created(0), _message(10, "agent"), _told("merged", 20, into="T-2"), _status(25, "closed")),
        # what was counted stays, what comes after the merge is not counted: no vendor documents another rule
        Expected(
            first_response=(1, 10),
            reply_wait=(1, 10),
            flows=_flows("merged"),
            messages=(0, 1, 0, 0),
            open=0,
        ),
        {"chatwoot": {"reply_wait": NONE}},
    ),
    "deleted": Trace(
        (_created(0), _message(10, "agent"), _status(20, "resolved"), _told("deleted", 30)),
        Expected(
            first_response=(1, 10),
            first=(1, 20),
            full=(1, 20),
            every=(1, 20),
            reply_wait=(1, 10),
            flows=_flows("resolved", "one_touch", "deleted"),
            messages=(0, 1, 0, 0),
            open=0,
        ),
        {
            # reports know active tickets only; waits and transitions stay under every preset
            "zendesk": {"first_response": NONE, "first": NONE, "full": NONE, "every": NONE},
            # the reporting events go with the conversation
            "chatwoot": {"first_response": NONE, "first": NONE, "full": NONE, "every": NONE, "reply_wait": NONE},
            # intercom: metrics are retained by default
        },
    ),
    "spam": Trace(
        (_created(0), _message(10, "agent"), _told("marked_spam", 30)),
        Expected(first_response=(1, 10), reply_wait=(1, 10), flows=_flows("spam"), messages=(0, 1, 0, 0), open=0),
        {"zendesk": {"first_response": NONE}, "chatwoot": {"reply_wait": NONE}},
    ),
    "spam, then restored": Trace(
        (
            _created(0),
            _message(10, "agent"),
            _told("marked_spam", 30),
            _message(35, "customer"),
            _told("restored", 40),
            _message(50, "agent"),
            _status(60, "resolved"),
        ),
        # the first response is back where it was; the wait begun in hiding is ended by 50: 10 and 15
        Expected(
            first_response=(1, 10),
            first=(1, 60),
            full=(1, 60),
            every=(1, 60),
            reply_wait=(2, 25),
            flows=_flows("spam", "restored", "resolved"),
            messages=(1, 2, 0, 0),
            open=0,
        ),
        {"chatwoot": {"reply_wait": (1, 15)}},
    ),
    "deleted once resolved twice, then restored": Trace(
        (
            _created(0),
            _status(20, "resolved"),
            _status(30, "open"),
            _status(50, "resolved"),
            _told("deleted", 60),
            _status(70, "open"),
            _told("restored", 80),
        ),
        # the reopen in hiding takes back the full resolution of 50 (and is no counted reopen): what comes back
        # is the first, 20, and each, 20 + 50
        Expected(first=(1, 20), every=(2, 70), flows=_flows("resolved", "reopened", "deleted", "restored")),
        # the reopens begin a wait, and the last of them runs
        {"chatwoot": {"unanswered": 1}},
    ),
    "a reply dated before the creation": Trace(
        (_message(3, "agent"), _created(5), _message(15, "agent")),
        # clocks differ: the reply counts as zero, at its time; the creation's wait runs until 15
        Expected(first_response=(1, 0), reply_wait=(1, 10), messages=(0, 2, 0, 0)),
        # also under the presets: skew is nobody's rule (and for chatwoot 15 is a reply_time)
        {},
    ),
    "a reply dated before an agent's creation": Trace(
        (_message(3, "agent"), _created(5, "agent"), _message(15, "agent")),
        Expected(first_response=(1, 0), messages=(0, 2, 0, 0)),
        {
            # it is the opening comment, and 15 the second one: 15 - 5
            "zendesk": {"first_response": (1, 10)},
            # nobody has asked
            "intercom": {"first_response": NONE},
        },
    ),
    "reopened": Trace(
        (
            _created(0),
            _message(10, "agent"),
            _status(20, "resolved"),
            _message(60, "customer"),
            _status(60, "open"),
            _message(70, "agent"),
            _status(80, "resolved"),
        ),
        # first 20, last 80, each 20 + 80; waits 10 - 0 and 70 - 60
        Expected(
            first_response=(1, 10),
            first=(1, 20),
            full=(1, 80),
            every=(2, 100),
            reply_wait=(2, 20),
            flows=_flows("resolved", "reopened"),
            messages=(1, 2, 0, 0),
            open=0,
        ),
        {"chatwoot": {"reply_wait": (1, 10)}},
    ),
    "reopened before anybody answered": Trace(
        (
            _created(0),
            _status(20, "resolved"),
            _message(60, "customer"),
            _status(60, "open"),
            _message(70, "agent"),
        ),
        # the first response is the first message, whatever came between; the first wait was discarded at 20
        Expected(
            first_response=(1, 70),
            first=(1, 20),
            every=(1, 20),
            reply_wait=(1, 10),
            flows=_flows("resolved", "reopened"),
            messages=(1, 1, 0, 0),
        ),
        # measured from the reopening: 70 - 60
        {"chatwoot": {"first_response": (1, 10), "reply_wait": NONE}},
    ),
    "resolved without a message of an agent": Trace(
        (_created(0), _status(30, "resolved")),
        Expected(first=(1, 30), full=(1, 30), every=(1, 30), flows=_flows("resolved"), open=0),
        {},
    ),
    "handed over from a bot to a human": Trace(
        (
            _created(0),
            _status(0, "pending"),
            _message(1, "bot"),
            _message(3, "customer"),
            _message(4, "bot"),
            _status(5, "open"),
            _message(8, "agent"),
            _status(15, "resolved"),
        ),
        # the bot answers nothing: 8 - 0; pending was a pause, so not one touch
        Expected(
            first_response=(1, 8),
            first=(1, 15),
            full=(1, 15),
            every=(1, 15),
            reply_wait=(1, 8),
            flows=_flows("resolved"),
            messages=(1, 1, 2, 0),
            open=0,
        ),
        # from the hand-over: 8 - 5; a resolution still from the creation
        {"chatwoot": {"first_response": (1, 3), "reply_wait": NONE}},
    ),
    "handed over after the first response": Trace(
        (_created(0), _message(2, "agent"), _status(5, "pending"), _status(20, "open"), _message(26, "agent")),
        # answered at 2; a hand-over asks nothing
        Expected(first_response=(1, 2), reply_wait=(1, 2), messages=(0, 2, 0, 0)),
        # the hand-over begins a wait: 26 - 20
        {"chatwoot": {"reply_wait": (1, 6)}},
    ),
}
