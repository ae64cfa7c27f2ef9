"""Presets: which rules a first response and a resolution follow - ours, or those of a vendor's own reports.

A preset is data; preset_machine.py steps by it. What all of them share is no rule here: bots, the system and
private notes never answer (Zendesk: "automated or bot-related actions in conversations aren't considered" [Z1];
Intercom: a visible part by a human teammate [I1]; Chatwoot: `human_response?`, and not private [C2]), a resolution
is a change to resolved or closed (Zendesk: an unsolved ticket that is closed counts as solved [Z2]), a reopen takes
back the full one (Zendesk: not found; taken as strict), hours are those of the fact's moment for the whole interval
(Zendesk [Z4]; Intercom and Chatwoot: not documented; taken as strict), and clocks that differ between producers
give zero, never less.

Sources. Z: support.zendesk.com/hc/en-us/articles/; I: intercom.com/help/en/articles/; C: the repository
chatwoot/chatwoot on GitHub.

- Z1 4408821871642 Calculating first reply time
- Z2 4408834848154 About native Support time duration metrics
- Z3 4408842999066 Marking a ticket as spam and suspending the requester
- Z4 5654110765338 How does Zendesk record its business hour metrics
- I1 6762778 Reporting metrics for REST API and CSV exports
- I2 3653556 Responsiveness reporting
- I3 13885146 Deleting a conversation
- C1 app/listeners/reporting_event_listener.rb (first_reply_created, reply_created, conversation_resolved)
- C2 app/models/message.rb (valid_first_reply?, human_response?, update_waiting_since)
- C3 app/helpers/reporting_event_helper.rb (last_non_human_activity); pull requests 6409 and 12058
- C4 app/models/conversation.rb (bot_handoff!, has_many :reporting_events); pull requests 11787 and 13417
"""

from __future__ import annotations

import msgspec

from metrics_core.tickets.machine import HIDDEN_DELETED, HIDDEN_SPAM


class Preset(msgspec.Struct, frozen=True):
    """The rules in which presets differ; the defaults are ``strict``.

    ``begins_with_customer``: durations of first response and resolution begin with the first public message of the
    customer (a creation by a customer is one), and nothing before it answers or resolves. Intercom: every timestamp
    is the first "after first_contact_reply_at" [I1]; time with a bot is included, as in the report's template [I2].

    ``opening_answers``: a public agent message at the moment of an agent's own creation, or before it, is a first
    response. Not for Zendesk: "the second timestamp shifts to the second public agent comment" [Z2]. Chatwoot takes
    the first outgoing message of a user, the opening one included [C2]. Under Intercom nobody has asked yet.

    ``restarts_when_opened``: the first response that is still owed is measured from the last time that the ticket
    was opened: handed over by a bot (pending to open), woken or reopened. Chatwoot: `last_non_human_activity` [C3].
    That it also looks for a bot's resolution is left out: events do not say whether an inbox has a bot.

    ``opening_begins_wait``: a hand-over and a reopen begin a wait for a reply, where none runs. Chatwoot [C4].

    ``bot_ends_wait``: a public message of a bot ends the wait for a reply, uncounted. Chatwoot [C2].

    ``first_response_is_reply``: the first response also ends a counted wait for a reply. Not for Chatwoot: it is
    reported as first_response, not as reply_time [C1, C2]. Zendesk and Intercom: not documented; taken as strict.

    ``leave``: how a ticket must go out of sight for its first response and resolutions to be taken back, until it
    is restored. Zendesk: reports know only active tickets, neither deleted nor spam ones [Z3]. Chatwoot deletes the
    reporting events with the conversation [C4]. Intercom keeps the metrics of deleted conversations unless told
    otherwise [I3]. Merged tickets (Zendesk, Intercom), spam (Intercom, Chatwoot): not documented; taken as strict.
    """

    name: str
    begins_with_customer: bool = False
    opening_answers: bool = True
    restarts_when_opened: bool = False
    opening_begins_wait: bool = False
    bot_ends_wait: bool = False
    first_response_is_reply: bool = True
    leave: frozenset[int] = frozenset()

    @property
    def keeps_counted(self) -> bool:
        """Whether rows keep what was counted of them: it may leave, or did not begin with the creation."""
        return bool(self.leave) or self.begins_with_customer


STRICT = Preset("strict")
ZENDESK = Preset("zendesk", opening_answers=False, leave=frozenset((HIDDEN_DELETED, HIDDEN_SPAM)))
INTERCOM = Preset("intercom", begins_with_customer=True)
CHATWOOT = Preset(
    "chatwoot",
    restarts_when_opened=True,
    opening_begins_wait=True,
    bot_ends_wait=True,
    first_response_is_reply=False,
    leave=frozenset((HIDDEN_DELETED,)),
)
PRESETS = {preset.name: preset for preset in (STRICT, ZENDESK, INTERCOM, CHATWOOT)}
