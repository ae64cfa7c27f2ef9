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
from metrics_core.native.moves cimport (
    AGENT, CREATE, CUSTOMER, ESCALATE, MOVES, NOTE, TO_STATUS, UPDATE, changes_labels, move_of, pack_move, text_of,
    whole_move,
)
from metrics_core.native.msgpack cimport pack_number, pack_str, pack_text
from metrics_core.native.records cimport RecordBlock, Span
from metrics_core.native.scan cimport NO_SEQUENCE, UPDATED, Scanned, Text, scan
from metrics_core.native.slots cimport slot_get, slot_number, slot_offset, slot_set, slot_set_number
from metrics_core.native.standings cimport standing
from metrics_core.native.steps cimport TicketSteps

from metrics_core import rows
from metrics_core.decode import MAX_VALUE_BYTES
from metrics_core.labels import NONE
from metrics_core.tickets import machine
from metrics_core.tickets.complaints import SAYS_NOTHING
from metrics_core.tickets.machine import Ticket

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL

# numbers of the pure form, as C knows them
cdef enum:
    ORPHAN = 0
    RESOLVED = 4
    TYPES = 5

assert (ORPHAN, RESOLVED, SAYS_NOTHING) == (machine.ORPHAN, machine.RESOLVED, -1)
assert (CUSTOMER, AGENT, TO_STATUS) == (machine.CUSTOMER, machine.AGENT, machine.STATUS)
assert (ESCALATE, NOTE, CREATE, UPDATE) == (machine.ESCALATE, machine.NOTE, machine.CREATE, machine.UPDATE)
assert machine.MESSAGE == 0 and UUID_LETTERS == rows.UUID_LETTERS

#: event types by the number that scan.pyx gives them
_TYPES = tuple(
    f"helpdesk.ticket.{name}" for name in ("created", "message", "status_changed", "updated", "escalated")
)

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


cdef class TicketLane:
    """Takes a shard's records in turn. ``clock_us`` and ``start_us`` are the shard's, kept here while it runs.

    ``subjects`` are the shard's tickets, ``steps`` theirs in C, ``facts`` where pure steps leave what they find;
    ``partition`` and ``partitions`` None where rows belong everywhere. ``marks_tags``: some tags make a complaint.
    """

    cdef public long long clock_us, start_us
    cdef object subjects, kind, facts, new, unpack, pure_steps
    cdef dict hot, rest, touched
    cdef TicketSteps steps
    cdef bint marks_tags, keyed
    cdef bytes tenant
    cdef long long partition, partitions, until_us, horizon_us, history_events
    cdef long long seen[TYPES]
    cdef bint heard[MOVES]
    cdef bint hears_labels_only
    # texts that come again and again
    cdef list sequence_keys
    cdef object last_source, no_sequence, none
    cdef unsigned char packed[8192]

    def __init__(
        self, subjects, TicketSteps steps not None, *, facts, tenant, keyed, partition, partitions, until_us,
        marks_tags,
    ):
        self.subjects, self.kind = subjects, subjects.kind
        self.new, self.unpack, self.pure_steps = subjects.kind.new, subjects.kind.unpack, subjects.kind.steps
        self.horizon_us, self.history_events = subjects.horizon_us, subjects.history_events
        self.steps, self.facts = steps, facts
        self.tenant, self.keyed = None if tenant is None else tenant.encode(), keyed
        self.partition = -1 if partition is None else partition
        self.partitions = -1 if partitions is None else partitions
        self.until_us = until_us
        self.marks_tags = marks_tags
        self.sequence_keys = [rows.SEQUENCE_KEYS[str(number)] for number in range(1000)]
        self.last_source, self.no_sequence, self.none = "", "", NONE
        self.hears_labels_only = False
        cdef int i
        for i in range(MOVES):
            self.heard[i] = True
        for i in range(TYPES):
            self.seen[i] = 0

    def only(self, moves, codes):
        """Pass over all other moves and facts, and over updates that name no label: for a job of fewer metrics."""
        for i in range(MOVES):
            self.heard[i] = i in moves
        self.steps.only(codes)
        self.hears_labels_only = True

    def take_seen(self):
        """(event type, events taken) and the number of clamped durations since the last call."""
        taken = [(_TYPES[i], self.seen[i]) for i in range(TYPES) if self.seen[i]]
        clamped = self.steps.clamped
        for i in range(TYPES):
            self.seen[i] = 0
        self.steps.clamped = 0
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
        move = move_of(&event)
        if self.heard[move] and not (move == UPDATE and self.hears_labels_only and not changes_labels(&event)):
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
        cdef object subject = text_of(event.subject), row, sequence, number, event_id
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
        event_id = text_of(event.id)
        if not is_new:
            if holds(<object> slot_get(row, AT_HISTORY), known, known_size):
                return 0  # a repeat, or looks like one
            if time_us < last_us or (time_us == last_us and not _is_after(row, sequence, event_id)):
                return 0
        # from here on the event is taken
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
        if not self.steps.step(row, event, move, is_new):
            self.pure_steps[move](row, time_us, whole_move(event, move, self.none), self.facts)
        if events + 1 >= self.history_events:
            rows.fold_oldest(self.kind, row)
        return 1

    cdef object _source(self, Text source):
        """The text of a source; one of few."""
        if not _is_text(self.last_source, source):
            self.last_source = text_of(source)
        return self.last_source

    cdef tuple _sequence(self, Scanned *event):
        """(sort key of the sequence, what stands for it in a history or None)."""
        if event.sequence >= 0:
            return self.sequence_keys[event.sequence], event.sequence
        if event.sequence == NO_SEQUENCE:
            return self.no_sequence, None
        key = rows.sequence_key(text_of(event.sequence_text))
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
        to = pack_move(to, event, move, self.none)
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

cdef Py_ssize_t _MAX_VALUE_BYTES = MAX_VALUE_BYTES


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
