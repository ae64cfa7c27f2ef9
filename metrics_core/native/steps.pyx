# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Steps of a ticket in C: what TicketMachine (tickets/machine.py) does where no clock of a service level, no business
calendar, no complaint and no reopening has a part in it. Those, and presets other than strict, are the pure
machine's."""

from metrics_core.native.moves cimport (
    AGENT, CREATE, CUSTOMER, ESCALATE, NOTE, TO_STATUS, assigned, changes_labels, changes_of, says_about, text_of,
)
from metrics_core.native.scan cimport ABSENT, Scanned
from metrics_core.native.slots cimport slot_get, slot_number, slot_offset, slot_set, slot_set_number
from metrics_core.native.tally cimport Tally

from metrics_core import facts as f
from metrics_core.labels import NONE
from metrics_core.tickets import machine
from metrics_core.tickets.complaints import SAYS_NO, About
from metrics_core.tickets.machine import Ticket

# numbers of the pure form, as C knows them
cdef enum:
    ORPHAN = 0
    KNOWN = 1
    PENDING = 2
    RESOLVED = 4

assert (ORPHAN, KNOWN, PENDING, RESOLVED) == (machine.ORPHAN, machine.KNOWN, machine.PENDING, machine.RESOLVED)

cdef long long LABEL_SHIFT = f.LABEL_SHIFT
cdef long long CODE_SHIFT = f.CODE_SHIFT
cdef long long CODE_MASK = f.CODE_MASK
cdef long long F_CREATED = f.CREATED
cdef long long F_RESOLVED = f.RESOLVED
cdef long long F_ONE_TOUCH = f.ONE_TOUCH
cdef long long F_MESSAGE = f.MESSAGE_CUSTOMER
cdef long long F_FIRST_RESPONSE = f.FIRST_RESPONSE
cdef long long F_REPLY_WAIT = f.REPLY_WAIT
cdef long long F_RESOLUTION_ALL = f.RESOLUTION_ALL
cdef long long F_RESOLUTION_FULL = f.RESOLUTION_FULL
cdef long long F_RESOLUTION_EVERY = f.RESOLUTION_EVERY
cdef long long F_COMPLAINT_RESOLVED = f.COMPLAINT_RESOLVED

# where the fields of a ticket's row lie
cdef Py_ssize_t AT_KNOWN = slot_offset(Ticket, "known")
cdef Py_ssize_t AT_STATUS = slot_offset(Ticket, "status")
cdef Py_ssize_t AT_HIDDEN = slot_offset(Ticket, "hidden")
cdef Py_ssize_t AT_LABEL = slot_offset(Ticket, "label")
cdef Py_ssize_t AT_ASSIGNED = slot_offset(Ticket, "assigned")
cdef Py_ssize_t AT_BORN_US = slot_offset(Ticket, "born_us")
cdef Py_ssize_t AT_WAITING_US = slot_offset(Ticket, "waiting_us")
cdef Py_ssize_t AT_CLOCKS = slot_offset(Ticket, "clocks")
cdef Py_ssize_t AT_ABOUT = slot_offset(Ticket, "about")
cdef Py_ssize_t AT_REPLIED_US = slot_offset(Ticket, "replied_us")
cdef Py_ssize_t AT_AGENT_REPLIES = slot_offset(Ticket, "agent_replies")
cdef Py_ssize_t AT_REOPENS = slot_offset(Ticket, "reopens")
cdef Py_ssize_t AT_PAUSED = slot_offset(Ticket, "paused")
cdef Py_ssize_t AT_FIRST_RESOLVED_US = slot_offset(Ticket, "first_resolved_us")
cdef Py_ssize_t AT_RESOLVED_US = slot_offset(Ticket, "resolved_us")
cdef Py_ssize_t AT_FULL_LABEL = slot_offset(Ticket, "full_label")
cdef Py_ssize_t AT_ONE_TOUCH = slot_offset(Ticket, "one_touch")
cdef Py_ssize_t AT_LABEL_OF_COMPLAINT = slot_offset(About, "label")


cdef class TicketSteps:
    """``relabel`` is the shard's label table; ``has_hours``: some version has a business calendar; ``promises``: whether
    some version promises anything, by the kind of clock; ``service_levels`` begin those."""

    def __init__(self, *, tally, relabel, has_roster, is_strict, has_hours, promises, service_levels):
        self.tally, self.relabel, self.has_roster = tally, relabel, has_roster
        self.is_strict, self.has_hours = is_strict, has_hours
        self.promises = promises
        self.begin_clock = service_levels.begin
        self.none = NONE
        self.clamped = 0
        cdef int i
        for i in range(256):
            self.counted[i] = True

    cdef object only(self, codes):
        """Count facts of these codes alone."""
        for i in range(256):
            self.counted[i] = i << f.CODE_SHIFT in codes

    cdef int step(self, object row, Scanned *event, int move, bint is_new) except -1:
        """1 where it was done; 0, with nothing changed, where it is the pure machine's to do."""
        cdef long long time_us = event.time_us
        if move == NOTE:
            return 1
        if not self.is_strict:
            return 0
        if move < TO_STATUS:
            return self._hear_message(row, move, time_us)
        if move < ESCALATE:
            return self._set_status(row, move - TO_STATUS, time_us)
        return self._tell(row, event, move, is_new) if move >= CREATE else 0

    cdef int _count(self, object row, long long code, long long time_us) except -1:
        if self.counted[(code >> CODE_SHIFT) & CODE_MASK]:
            self.tally.count(slot_number(row, AT_LABEL) << LABEL_SHIFT | code, time_us, 1)
        return 0

    cdef int _duration(self, object row, long long code, long long time_us, long long since_us) except -1:
        cdef long long lasted_us = time_us - since_us
        if lasted_us < 0:
            lasted_us = 0
            self.clamped += 1
        if self.counted[(code >> CODE_SHIFT) & CODE_MASK]:
            self.tally.duration(slot_number(row, AT_LABEL) << LABEL_SHIFT | code, time_us, lasted_us, 1)
        return 0

    cdef int _hear_message(self, object row, int move, long long time_us) except -1:
        """1 where it was done; 0, with nothing changed, where clocks or calendars have a part in it."""
        if move == 2 * AGENT + 1:
            if self.has_hours or <object> slot_get(row, AT_CLOCKS) is not None:
                return 0
            self._agent_reply(row, time_us)
        elif move == 2 * CUSTOMER + 1:
            if not slot_number(row, AT_WAITING_US):
                if self.promises[1]:
                    return 0
                slot_set_number(row, AT_WAITING_US, time_us)
            self._count(row, F_MESSAGE, time_us)
        else:
            self._count(row, F_MESSAGE + ((<long long> move >> 1) << CODE_SHIFT), time_us)
        return 1

    cdef int _agent_reply(self, object row, long long time_us) except -1:
        cdef long long known = slot_number(row, AT_KNOWN), waiting_us = slot_number(row, AT_WAITING_US)
        cdef bint counted = known != ORPHAN and not slot_number(row, AT_HIDDEN)
        self._count(row, F_MESSAGE + ((<long long> AGENT) << CODE_SHIFT), time_us)
        slot_set_number(row, AT_AGENT_REPLIES, slot_number(row, AT_AGENT_REPLIES) + 1)
        if not slot_number(row, AT_REPLIED_US):
            slot_set_number(row, AT_REPLIED_US, time_us)
            if counted and known == KNOWN:
                self._duration(row, F_FIRST_RESPONSE, time_us, slot_number(row, AT_BORN_US))
        if waiting_us:
            if counted:
                self._duration(row, F_REPLY_WAIT, time_us, waiting_us)
            slot_set_number(row, AT_WAITING_US, 0)
        return 0

    cdef int _set_status(self, object row, long long status, long long time_us) except -1:
        """1 where it was done; 0, with nothing changed, where a ticket is reopened, or clocks have a part in it."""
        cdef long long before = slot_number(row, AT_STATUS), known
        if status == before:
            return 1
        if <object> slot_get(row, AT_CLOCKS) is not None:
            return 0
        if (before >= RESOLVED and status < RESOLVED) or (before < RESOLVED <= status and self.has_hours):
            return 0
        slot_set_number(row, AT_STATUS, status)
        if status < RESOLVED:
            if status >= PENDING:
                slot_set(row, AT_PAUSED, True)
            return 1
        slot_set_number(row, AT_WAITING_US, 0)
        if before >= RESOLVED:
            return 1
        slot_set_number(row, AT_RESOLVED_US, time_us)
        known = slot_number(row, AT_KNOWN)
        if known != ORPHAN and not slot_number(row, AT_HIDDEN):
            self._resolve(row, known, time_us)
        elif not slot_number(row, AT_FIRST_RESOLVED_US):
            slot_set_number(row, AT_FIRST_RESOLVED_US, time_us)
        return 1

    cdef int _resolve(self, object row, long long known, long long time_us) except -1:
        cdef object about = <object> slot_get(row, AT_ABOUT)
        cdef long long complaint, born_us
        self._count(row, F_RESOLVED, time_us)
        if about is not None:
            complaint = slot_number(about, AT_LABEL_OF_COMPLAINT)
            if complaint >= 0 and self.counted[(F_COMPLAINT_RESOLVED >> CODE_SHIFT) & CODE_MASK]:
                self.tally.count(complaint << LABEL_SHIFT | F_COMPLAINT_RESOLVED, time_us, 1)
        if (
            slot_number(row, AT_AGENT_REPLIES) == 1
            and not slot_number(row, AT_REOPENS)
            and <object> slot_get(row, AT_PAUSED) is not True
        ):
            slot_set(row, AT_ONE_TOUCH, True)
            self._count(row, F_ONE_TOUCH, time_us)
        slot_set(row, AT_FULL_LABEL, <object> slot_get(row, AT_LABEL))
        born_us = slot_number(row, AT_BORN_US)
        if not slot_number(row, AT_FIRST_RESOLVED_US):
            slot_set_number(row, AT_FIRST_RESOLVED_US, time_us)
            if known == KNOWN:
                self._duration(row, F_RESOLUTION_ALL, time_us, born_us)
        elif known == KNOWN:
            self._duration(row, F_RESOLUTION_FULL, time_us, born_us)
            self._duration(row, F_RESOLUTION_EVERY, time_us, born_us)
        return 0

    cdef int _tell(self, object row, Scanned *event, int move, bint is_new) except -1:
        """A creation as a row's first event, or an update; 0, with nothing changed, where it says more."""
        cdef object about = <object> slot_get(row, AT_ABOUT), now, label = <object> slot_get(row, AT_LABEL)
        cdef bint speaks = says_about(event)
        if move == CREATE and not is_new:
            return 0
        if speaks and (about is not None or event.complaint != 0):
            return 0  # whether it is a complaint, the policy's marks may have to say
        if about is not None and slot_number(about, AT_LABEL_OF_COMPLAINT) >= 0:
            return 0
        now = label
        if changes_labels(event) or (event.assignee.size != ABSENT and self.has_roster):
            now = self.relabel(label, changes_of(event, self.none), assigned(event))
            if <object> slot_get(row, AT_CLOCKS) is not None and now != label:
                return 0
        slot_set(row, AT_LABEL, now)
        if event.assignee.size != ABSENT:
            slot_set(row, AT_ASSIGNED, event.assignee.size > 0)
        if speaks:
            about = About(
                category=text_of(event.category) if event.category.size > 0 else "",
                word=SAYS_NO,
                tags=(),
            )
            slot_set(row, AT_ABOUT, about)
        if move == CREATE:
            slot_set_number(row, AT_KNOWN, KNOWN)
            slot_set_number(row, AT_BORN_US, event.time_us)
            if self.promises[0]:
                self.begin_clock(row, 0, event.time_us)
            if self.promises[2]:
                self.begin_clock(row, 2, event.time_us)
            self._count(row, F_CREATED, event.time_us)
            if event.actor <= CUSTOMER:
                slot_set_number(row, AT_WAITING_US, event.time_us)
        return 1
