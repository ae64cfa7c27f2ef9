# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The common case of a ticket's event, from a record's bytes to facts: what decode.py, shard.py, subjects.py, moves.py
and tickets/machine.py do one after the other, for an event that

- is one of the five most frequent types, written plainly (scan.pyx),
- has the key, tenant, partition and time that it should,
- is newer than all that its row remembers, and no repeat.

Whatever else comes is declined before anything was changed, and goes the pure way. Rows are the very structs that
the pure form steps, so that both can take turns on one ticket. Steps of service levels, business calendars, presets
other than strict, complaints and reopened tickets are those of the pure machine, called from here.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError, PyDict_SetItem
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_Compare
from libc.string cimport memcmp, memcpy

from metrics_core.native.identity cimport UUID_BYTES, UUID_LETTERS, holds, partition_for, short_uuid
from metrics_core.native.msgpack cimport pack_number, pack_str, pack_text, pack_text_or_nil
from metrics_core.native.records cimport RecordBlock, Span
from metrics_core.native.scan cimport (
    ABSENT, CREATED, ESCALATED, MESSAGE, NO_SEQUENCE, NULL_VALUE, OTHER_SEQUENCE, STATUS_CHANGED, UPDATED, Scanned,
    Text, scan,
)
from metrics_core.native.slots cimport slot_get, slot_number, slot_offset, slot_set, slot_set_number
from metrics_core.native.standings cimport standing
from metrics_core.native.tally cimport Tally

from metrics_core import facts as f
from metrics_core import rows
from metrics_core.decode import MAX_VALUE_BYTES
from metrics_core.labels import NONE
from metrics_core.tickets import machine
from metrics_core.tickets.complaints import SAYS_NO, SAYS_NOTHING, About
from metrics_core.tickets.machine import Ticket
from metrics_core.times import LATEST_US

cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
    void *PyUnicode_DATA(object text)
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL

# numbers of the pure form, as C knows them
cdef enum:
    ORPHAN = 0
    KNOWN = 1
    PENDING = 2
    RESOLVED = 4
    CUSTOMER = 0
    AGENT = 1
    TO_STATUS = 8
    ESCALATE = 14
    NOTE = 19
    CREATE = 20
    UPDATE = 21
    MOVES = 24
    TYPES = 5

assert (ORPHAN, KNOWN, PENDING, RESOLVED) == (machine.ORPHAN, machine.KNOWN, machine.PENDING, machine.RESOLVED)
assert (CUSTOMER, AGENT, TO_STATUS) == (machine.CUSTOMER, machine.AGENT, machine.STATUS)
assert (ESCALATE, NOTE, CREATE, UPDATE) == (machine.ESCALATE, machine.NOTE, machine.CREATE, machine.UPDATE)
assert machine.MESSAGE == 0 and UUID_LETTERS == rows.UUID_LETTERS

#: event types by the number that scan.pyx gives them
_TYPES = tuple(
    f"helpdesk.ticket.{name}" for name in ("created", "message", "status_changed", "updated", "escalated")
)

cdef long long _LABEL_SHIFT = f.LABEL_SHIFT
cdef long long _CODE_SHIFT = f.CODE_SHIFT
cdef long long _CODE_MASK = f.CODE_MASK
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
cdef Py_ssize_t AT_SOURCE = slot_offset(Ticket, "source")
cdef Py_ssize_t AT_LAST_US = slot_offset(Ticket, "last_us")
cdef Py_ssize_t AT_LAST_SEQ = slot_offset(Ticket, "last_seq")
cdef Py_ssize_t AT_LAST_ID = slot_offset(Ticket, "last_id")
cdef Py_ssize_t AT_EVENTS = slot_offset(Ticket, "events")
cdef Py_ssize_t AT_HISTORY = slot_offset(Ticket, "history")
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

_EMPTY = ()


cdef class TicketLane:
    """Takes a shard's records in turn. ``clock_us`` and ``start_us`` are the shard's, kept here while it runs.

    ``tickets`` are the shard's subjects, ``facts`` where pure steps leave what they find, ``relabel`` its label
    table, ``partition`` and ``partitions`` -1 where rows belong everywhere. ``is_strict``: all versions of the policy
    step as TicketMachine does; ``has_hours``: some version has a business calendar; ``promises``: whether some version
    promises anything, by the kind of clock; ``service_levels`` begin those. ``marks_tags``: some tags make a complaint.
    """

    cdef public long long clock_us, start_us
    #: durations below zero that were counted as zero, since the last ``take_seen``
    cdef long long clamped
    cdef object subjects, kind, relabel, facts, new, unpack, steps, begin_clock
    cdef dict hot, rest, touched
    cdef Tally tally
    cdef bint is_strict, has_hours, marks_tags, has_roster, keyed
    cdef bint promises[3]
    #: the row was made for this event
    cdef bint is_new
    cdef bytes tenant
    cdef long long partition, partitions, until_us, horizon_us, history_events
    cdef long long seen[TYPES]
    cdef bint heard[MOVES]
    cdef bint hears_labels_only
    cdef bint counted[256]
    # texts that come again and again
    cdef list sequence_keys, moves
    cdef object last_source, no_sequence, none
    cdef unsigned char packed[8192]

    def __init__(
        self, subjects, *, facts, relabel, has_roster, tally, tenant, keyed, partition, partitions, until_us,
        is_strict, has_hours, marks_tags, promises, service_levels,
    ):
        self.subjects, self.kind = subjects, subjects.kind
        self.new, self.unpack = subjects.kind.new, subjects.kind.unpack
        self.steps = subjects.kind.steps
        self.horizon_us, self.history_events = subjects.horizon_us, subjects.history_events
        self.facts, self.relabel, self.has_roster, self.tally = facts, relabel, has_roster, tally
        self.tenant, self.keyed = None if tenant is None else tenant.encode(), keyed
        self.partition = -1 if partition is None else partition
        self.partitions = -1 if partitions is None else partitions
        self.until_us = until_us
        self.is_strict, self.has_hours, self.marks_tags = is_strict, has_hours, marks_tags
        self.promises = promises
        self.begin_clock = service_levels.begin
        self.sequence_keys = [rows.SEQUENCE_KEYS[str(number)] for number in range(1000)]
        self.moves = list(range(MOVES))
        self.last_source, self.no_sequence, self.none = "", "", NONE
        self.hears_labels_only = False
        cdef int i
        for i in range(MOVES):
            self.heard[i] = True
        for i in range(256):
            self.counted[i] = True
        for i in range(TYPES):
            self.seen[i] = 0
        self.clamped = 0

    def only(self, moves, codes):
        """Pass over all other moves and facts, and over updates that name no label: for a job of fewer metrics."""
        for i in range(MOVES):
            self.heard[i] = i in moves
        for i in range(256):
            self.counted[i] = i << f.CODE_SHIFT in codes
        self.hears_labels_only = True

    def take_seen(self):
        """(event type, events taken) and the number of clamped durations since the last call."""
        taken = [(_TYPES[i], self.seen[i]) for i in range(TYPES) if self.seen[i]]
        clamped = self.clamped
        for i in range(TYPES):
            self.seen[i] = 0
        self.clamped = 0
        return taken, clamped

    def run(self, records, Py_ssize_t at):
        """Take records from number ``at`` on; the number of the first that is declined, or how many there are."""
        cdef Span span
        cdef RecordBlock block
        cdef object record, key, value
        cdef Py_ssize_t count
        self.hot, self.rest, self.touched = self.subjects.hot, self.subjects.rest, self.subjects.touched
        if isinstance(records, RecordBlock):
            block = records
            while at < block.count:
                if not self._take(&block.spans[at]):
                    return at
                at += 1
            return at
        count = len(records)
        while at < count:
            record = records[at]
            value = record.value
            if not PyBytes_Check(value) or record.headers:
                return at
            span.value, span.value_size = PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)
            key = record.key
            span.key, span.key_size = NULL, 0
            if PyBytes_Check(key):
                span.key, span.key_size = PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key)
            span.timestamp = record.timestamp
            span.has_headers = False
            if not self._take(&span):
                return at
            at += 1
        return at

    cdef int _take(self, Span *span) except -1:
        """1 where the record was taken, 0 where it is declined."""
        cdef Scanned event
        cdef int move
        if span.value == NULL or span.has_headers or span.value_size > _MAX_VALUE_BYTES:
            return 0
        if not scan(span.value, span.value_size, &event):
            return 0
        if self.keyed and (
            span.key == NULL
            or span.key_size != event.subject.size
            or memcmp(span.key, event.subject.at, span.key_size) != 0
        ):
            return 0
        if event.tenant.size >= 0 and (self.tenant is None or not _is(event.tenant, self.tenant)):
            return 0
        if span.timestamp >= 0 and event.time_us > span.timestamp * 1000:
            return 0  # ahead of its record: the shard counts those
        if event.time_us >= self.until_us or (event.type <= UPDATED and event.has_tags and self.marks_tags):
            return 0
        move = _move(&event)
        if self.heard[move] and not (move == UPDATE and self.hears_labels_only and not _changes_labels(&event)):
            if not self._apply(&event, move):
                return 0
        self.seen[event.type] += 1
        if event.time_us > self.clock_us:
            self.clock_us = event.time_us
        if event.time_us < self.start_us:
            self.start_us = event.time_us
        return 1

    # -- the row: what Subjects.apply does ----------------------------------------------------------------

    cdef int _apply(self, Scanned *event, int move) except -1:
        cdef long long time_us = event.time_us, last_us = 0, events
        cdef long long limit_us = (self.clock_us if self.clock_us > time_us else time_us) - self.horizon_us
        cdef object subject = _text(event.subject), row, sequence, number, event_id
        cdef unsigned char uuid[UUID_BYTES]
        cdef const unsigned char *known = <const unsigned char *> event.id.at
        cdef Py_ssize_t known_size = event.id.size
        cdef bint is_new = False, is_hot = False
        cdef PyObject *found
        if time_us < limit_us:
            return 0
        found = PyDict_GetItemWithError(self.hot, subject)
        if found != NULL:
            row, is_hot = <object> found, True
            last_us = slot_number(row, AT_LAST_US)
            if last_us < limit_us:
                return 0
        else:
            found = PyDict_GetItemWithError(self.rest, subject)
            if found != NULL:
                row = self.unpack(<object> found)
                last_us = slot_number(row, AT_LAST_US)
                if last_us < limit_us and (slot_number(row, AT_STATUS) >= RESOLVED or slot_number(row, AT_HIDDEN)):
                    return 0  # to be retired first
            else:
                if self.partitions > 0 and partition_for(event.subject, self.partitions) != self.partition:
                    return 0
                is_new = True
                row = self.new(self._source(event.source), time_us)
        if not is_new and not _is_text(<object> slot_get(row, AT_SOURCE), event.source):
            return 0  # its identity goes by another source
        if event.id.size == UUID_LETTERS and short_uuid(event.id.at, uuid):
            known, known_size = uuid, UUID_BYTES
        sequence, number = self._sequence(event)
        event_id = _text(event.id)
        if not is_new:
            if holds(<object> slot_get(row, AT_HISTORY), known, known_size):
                return 0  # a repeat, or looks like one
            if time_us < last_us or (time_us == last_us and not _is_after(row, sequence, event_id)):
                return 0
        # from here on the event is taken
        self.is_new = is_new
        if not is_hot:
            PyDict_SetItem(self.hot, subject, row)
        if is_new:
            self.subjects.begin(time_us)
            PyDict_SetItem(self.touched, subject, (None, True))
        elif subject not in self.touched:
            PyDict_SetItem(self.touched, subject, (standing(row), slot_number(row, AT_KNOWN) != ORPHAN))
        events = slot_number(row, AT_EVENTS)
        self._remember(row, event, move, known, known_size, time_us - last_us if events else time_us, number)
        slot_set_number(row, AT_LAST_US, time_us)
        slot_set(row, AT_LAST_SEQ, sequence)
        slot_set(row, AT_LAST_ID, event_id)
        slot_set_number(row, AT_EVENTS, events + 1)
        self._step(row, event, move)
        if events + 1 >= self.history_events:
            rows.fold_oldest(self.kind, row)
        return 1

    cdef object _source(self, Text source):
        """The text of a source; one of few."""
        if not _is_text(self.last_source, source):
            self.last_source = _text(source)
        return self.last_source

    cdef tuple _sequence(self, Scanned *event):
        """(sort key of the sequence, what stands for it in a history or None)."""
        if event.sequence >= 0:
            return self.sequence_keys[event.sequence], event.sequence
        if event.sequence == NO_SEQUENCE:
            return self.no_sequence, None
        key = rows.sequence_key(_text(event.sequence_text))
        return key, rows.number_of(key)

    cdef int _remember(
        self, object row, Scanned *event, int move, const unsigned char *known, Py_ssize_t known_size,
        long long later_us, object number,
    ) except -1:
        """Append to the history what rows.pack_entry would."""
        cdef unsigned char *to = self.packed
        cdef bytes history = <object> slot_get(row, AT_HISTORY), longer
        cdef Py_ssize_t size = PyBytes_GET_SIZE(history), more
        to[0] = 0x93 if number is None else 0x94
        to += 1
        if known == <const unsigned char *> event.id.at:
            to = pack_text(to, event.id.at, event.id.size)
        else:
            to[0], to[1] = 0xC4, UUID_BYTES
            memcpy(to + 2, known, UUID_BYTES)
            to += 2 + UUID_BYTES
        to = pack_number(to, -later_us if later_us % 1000 else later_us // 1000)
        to = self._pack_move(to, event, move)
        if number is not None:
            if type(number) is int:
                to = pack_number(to, number)
            else:
                to = pack_str(to, number)
        more = to - self.packed
        longer = PyBytes_FromStringAndSize(NULL, size + more)
        memcpy(PyBytes_AS_STRING(longer), PyBytes_AS_STRING(history), size)
        memcpy(PyBytes_AS_STRING(longer) + size, self.packed, more)
        slot_set(row, AT_HISTORY, longer)
        return 0

    cdef unsigned char *_pack_move(self, unsigned char *to, Scanned *event, int move) except NULL:
        if move < CREATE:
            to[0] = move
            return to + 1
        if move == CREATE:
            to[0], to[1] = 0x95, CREATE
            to[2] = event.actor if event.actor >= 0 else CUSTOMER
            to += 3
        else:
            to[0], to[1] = 0x94, UPDATE
            to += 2
        if _changes_labels(event):
            to[0] = 0x93
            to = self._pack_label(to + 1, event.channel)
            to = self._pack_label(to, event.group)
            to = self._pack_label(to, event.priority)
        else:
            to[0] = 0xC0
            to += 1
        to = pack_text_or_nil(to, event.assignee)
        if not _says_about(event):
            to[0] = 0xC0
            return to + 1
        to[0] = 0x93
        to = pack_text_or_nil(to + 1, event.category)
        if event.complaint == ABSENT:
            to[0] = 0xC0
            to += 1
        else:
            to = pack_number(to, SAYS_NOTHING if event.complaint == NULL_VALUE else event.complaint)
        to[0] = 0x90 if event.has_tags else 0xC0
        return to + 1

    cdef unsigned char *_pack_label(self, unsigned char *to, Text label) except NULL:
        if label.size == ABSENT:
            to[0] = 0xC0
            return to + 1
        if label.size <= 0:
            return pack_str(to, self.none)
        return pack_text(to, label.at, label.size)

    # -- the step: what TicketMachine does ----------------------------------------------------------------

    cdef int _step(self, object row, Scanned *event, int move) except -1:
        cdef long long time_us = event.time_us
        if move == NOTE:
            return 0
        if self.is_strict:
            if move < TO_STATUS:
                if self._hear_message(row, move, time_us):
                    return 0
            elif move < ESCALATE:
                if self._set_status(row, move - TO_STATUS, time_us):
                    return 0
            elif move >= CREATE and self._tell(row, event, move):
                return 0
        self.steps[move](row, time_us, self._whole_move(event, move), self.facts)
        return 0

    cdef int _count(self, object row, long long code, long long time_us) except -1:
        if self.counted[(code >> _CODE_SHIFT) & _CODE_MASK]:
            self.tally.count(slot_number(row, AT_LABEL) << _LABEL_SHIFT | code, time_us, 1)
        return 0

    cdef int _duration(self, object row, long long code, long long time_us, long long since_us) except -1:
        cdef long long lasted_us = time_us - since_us
        if lasted_us < 0:
            lasted_us = 0
            self.clamped += 1
        if self.counted[(code >> _CODE_SHIFT) & _CODE_MASK]:
            self.tally.duration(slot_number(row, AT_LABEL) << _LABEL_SHIFT | code, time_us, lasted_us, 1)
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
            self._count(row, F_MESSAGE + ((<long long> move >> 1) << _CODE_SHIFT), time_us)
        return 1

    cdef int _agent_reply(self, object row, long long time_us) except -1:
        cdef long long known = slot_number(row, AT_KNOWN), waiting_us = slot_number(row, AT_WAITING_US)
        cdef bint counted = known != ORPHAN and not slot_number(row, AT_HIDDEN)
        self._count(row, F_MESSAGE + ((<long long> AGENT) << _CODE_SHIFT), time_us)
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
            if complaint >= 0 and self.counted[(F_COMPLAINT_RESOLVED >> _CODE_SHIFT) & _CODE_MASK]:
                self.tally.count(complaint << _LABEL_SHIFT | F_COMPLAINT_RESOLVED, time_us, 1)
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

    cdef int _tell(self, object row, Scanned *event, int move) except -1:
        """A creation as a row's first event, or an update; 0, with nothing changed, where it says more."""
        cdef object about = <object> slot_get(row, AT_ABOUT), now, label = <object> slot_get(row, AT_LABEL)
        cdef bint speaks = _says_about(event)
        if move == CREATE and not self.is_new:
            return 0
        if speaks and (about is not None or event.complaint != 0):
            return 0  # whether it is a complaint, the policy's marks may have to say
        if about is not None and slot_number(about, AT_LABEL_OF_COMPLAINT) >= 0:
            return 0
        now = label
        if _changes_labels(event) or (event.assignee.size != ABSENT and self.has_roster):
            now = self.relabel(label, self._changes(event), _assigned(event))
            if <object> slot_get(row, AT_CLOCKS) is not None and now != label:
                return 0
        slot_set(row, AT_LABEL, now)
        if event.assignee.size != ABSENT:
            slot_set(row, AT_ASSIGNED, event.assignee.size > 0)
        if speaks:
            about = About(
                category=_text(event.category) if event.category.size > 0 else "",
                word=SAYS_NO,
                tags=_EMPTY,
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

    # -- what pure steps are given ------------------------------------------------------------------------

    cdef object _whole_move(self, Scanned *event, int move):
        """The move as moves.py makes it."""
        if move < CREATE:
            return self.moves[move]
        if move == UPDATE:
            return (UPDATE, self._changes(event), _assigned(event), _about(event))
        actor = event.actor if event.actor >= 0 else CUSTOMER
        return (CREATE, actor, self._changes(event), _assigned(event), _about(event))

    cdef object _changes(self, Scanned *event):
        if not _changes_labels(event):
            return None
        return (self._label(event.channel), self._label(event.group), self._label(event.priority))

    cdef object _label(self, Text label):
        if label.size == ABSENT:
            return None
        return _text(label) if label.size > 0 else self.none


cdef Py_ssize_t _MAX_VALUE_BYTES = MAX_VALUE_BYTES


cdef inline int _move(Scanned *event) noexcept nogil:
    """The number of the move that an event boils down to (moves.py)."""
    if event.type == MESSAGE:
        return 2 * event.actor + event.public
    if event.type == STATUS_CHANGED:
        return TO_STATUS + event.status
    if event.type == CREATED:
        return CREATE
    if event.type == ESCALATED:
        return ESCALATE
    if _changes_labels(event) or event.assignee.size != ABSENT or _says_about(event):
        return UPDATE
    return NOTE


cdef inline bint _changes_labels(Scanned *event) noexcept nogil:
    return event.channel.size != ABSENT or event.group.size != ABSENT or event.priority.size != ABSENT


cdef inline bint _says_about(Scanned *event) noexcept nogil:
    return event.category.size != ABSENT or event.complaint != ABSENT or event.has_tags


cdef object _assigned(Scanned *event):
    if event.assignee.size == ABSENT:
        return None
    return _text(event.assignee) if event.assignee.size > 0 else ""


cdef object _about(Scanned *event):
    """What is said of it; of tags none is a mark here."""
    if not _says_about(event):
        return None
    category = word = tags = None
    if event.category.size != ABSENT:
        category = _text(event.category) if event.category.size > 0 else ""
    if event.complaint != ABSENT:
        word = SAYS_NOTHING if event.complaint == NULL_VALUE else event.complaint
    if event.has_tags:
        tags = _EMPTY
    return (category, word, tags)


cdef inline object _text(Text text):
    """A str of ASCII bytes."""
    made = PyUnicode_New(text.size, 127)
    memcpy(PyUnicode_DATA(made), text.at, text.size)
    return made


cdef inline bint _is(Text text, bytes known) noexcept:
    return text.size == PyBytes_GET_SIZE(known) and memcmp(text.at, PyBytes_AS_STRING(known), text.size) == 0


cdef inline int _is_text(object known, Text text) except -1:
    """Whether a str has these bytes."""
    cdef Py_ssize_t size
    cdef const char *at = PyUnicode_AsUTF8AndSize(known, &size)
    return size == text.size and memcmp(at, text.at, size) == 0


cdef inline int _is_after(object row, object sequence, object event_id) except -1:
    """Whether an event of the same moment comes after the row's newest."""
    cdef int order = PyUnicode_Compare(sequence, <object> slot_get(row, AT_LAST_SEQ))
    return order > 0 or (order == 0 and PyUnicode_Compare(event_id, <object> slot_get(row, AT_LAST_ID)) > 0)
