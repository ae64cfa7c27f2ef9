# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""One pass over the JSON of a ticket's event, as nearly every producer writes it.

Takes a value only where decode.py and times.py would certainly take it, and then gives what they would give. All
else is declined, be it good or bad: escapes, letters beyond ASCII, nested values, fields named twice. So nothing
here has to find a reason for a refusal, and the definition of an event stays in events.py alone.
"""

from libc.string cimport memcmp

from metrics_core.native.rfc3339 cimport read_time
from metrics_core.native.ticket_fields cimport after_data
from metrics_core.native.tokens cimport (
    DECLINED, INTEGER, NOTHING, STRING, TAKEN, Value,
    after_blanks, after_flat_object, after_key, after_scalar, read_text,
)


cdef enum:
    # of decode.py (MAX_VALUE_BYTES) and events.py (NAME_LENGTH)
    MOST_BYTES = 1 << 20
    MOST_NAME = 512

cdef enum:
    # attributes of the event that were read
    SEEN_ID = 1
    SEEN_SOURCE = 2
    SEEN_SUBJECT = 4
    SEEN_TIME = 8
    SEEN_TYPE = 16
    SEEN_VERSION = 32
    SEEN_DATA = 64
    SEEN_REQUIRED = 127
    SEEN_SEQUENCE = 128
    SEEN_TENANT = 256


cdef inline int read_name(Value *value, Text *text) noexcept nogil:
    """Name of events.py: 1 to 512 letters."""
    text.at, text.size = value.at, value.size
    return value.kind == STRING and 1 <= value.size <= MOST_NAME


cdef inline int read_type(Value *value, int *type) noexcept nogil:
    cdef const char *at = value.at
    cdef Py_ssize_t size = value.size
    if value.kind != STRING or size < 23 or memcmp(at, b"helpdesk.ticket.", 16) != 0:
        return DECLINED
    at += 16
    if size == 23 and memcmp(at, b"message", 7) == 0:
        type[0] = MESSAGE
    elif size == 30 and memcmp(at, b"status_changed", 14) == 0:
        type[0] = STATUS_CHANGED
    elif size == 23 and memcmp(at, b"updated", 7) == 0:
        type[0] = UPDATED
    elif size == 23 and memcmp(at, b"created", 7) == 0:
        type[0] = CREATED
    elif size == 25 and memcmp(at, b"escalated", 9) == 0:
        type[0] = ESCALATED
    else:
        return DECLINED
    return TAKEN


cdef inline int read_sequence(Value *value, Scanned *event) noexcept nogil:
    """A text of at most 512 letters, a whole number, or null."""
    cdef const char *at = value.at
    cdef Py_ssize_t size = value.size
    cdef Py_ssize_t place
    cdef int number = 0
    if value.kind == NOTHING:
        event.sequence_text.size = NULL_VALUE
        return TAKEN
    if value.kind > INTEGER or size > MOST_NAME or (value.kind == INTEGER and at[0] == c"-"):
        return DECLINED
    event.sequence_text.at, event.sequence_text.size = at, size
    if size == 0:
        return TAKEN
    event.sequence = OTHER_SEQUENCE
    if size > 3 or (at[0] == c"0" and size > 1):
        return TAKEN
    for place in range(size):
        if not c"0" <= at[place] <= c"9":
            return TAKEN
        number = 10 * number + (at[place] - c"0")
    event.sequence = number
    return TAKEN


cdef inline int attribute(Text *key, Value *value, Scanned *event, int *seen) noexcept nogil:
    """One attribute but ``data`` (CloudEvents 1.0, section 3); those that are not known are skipped."""
    cdef const char *at = key.at
    cdef Py_ssize_t size = key.size
    cdef int mark = 0, taken = TAKEN
    if size == 2:
        if memcmp(at, b"id", 2) == 0:
            mark = SEEN_ID
            taken = read_name(value, &event.id)
    elif size == 4:
        if memcmp(at, b"time", 4) == 0:
            mark = SEEN_TIME
            taken = value.kind == STRING and read_time(value.at, value.size, &event.time_us)
        elif memcmp(at, b"type", 4) == 0:
            mark = SEEN_TYPE
            taken = read_type(value, &event.type)
    elif size == 6:
        if memcmp(at, b"source", 6) == 0:
            mark = SEEN_SOURCE
            taken = read_name(value, &event.source)
        elif memcmp(at, b"tenant", 6) == 0:
            mark = SEEN_TENANT
            taken = read_text(value, &event.tenant, MOST_BYTES)
    elif size == 7:
        if memcmp(at, b"subject", 7) == 0:
            mark = SEEN_SUBJECT
            taken = read_name(value, &event.subject)
    elif size == 8:
        if memcmp(at, b"sequence", 8) == 0:
            mark = SEEN_SEQUENCE
            taken = read_sequence(value, event)
    elif size == 11:
        if memcmp(at, b"specversion", 11) == 0:
            mark = SEEN_VERSION
            taken = value.kind == STRING and value.size == 3 and memcmp(value.at, b"1.0", 3) == 0
    if seen[0] & mark:
        return DECLINED
    seen[0] |= mark
    return taken


cdef inline void begin(Scanned *event) noexcept nogil:
    """Nothing was read yet."""
    event.sequence = NO_SEQUENCE
    event.sequence_text.size = event.tenant.size = ABSENT
    event.actor = -1
    event.public = True
    event.status = -1
    event.channel.size = event.group.size = event.priority.size = ABSENT
    event.assignee.size = event.category.size = ABSENT
    event.complaint = ABSENT
    event.has_tags = False


cdef inline int is_data(Text *key) noexcept nogil:
    return key.size == 4 and memcmp(key.at, b"data", 4) == 0


cdef int scan(const char *value, Py_ssize_t size, Scanned *event) noexcept nogil:
    cdef const char *at
    cdef const char *end = value + size
    cdef const char *early = NULL  # data that comes before the type
    cdef const char *after_early = NULL
    cdef Text key
    cdef Value read
    cdef int seen = 0
    if size > MOST_BYTES:
        return DECLINED
    read.at, read.size = value, 0  # never undefined: null has no text
    at = after_blanks(value, end)
    if at >= end or at[0] != c"{":
        return DECLINED
    begin(event)
    at += 1
    while True:
        at = after_key(at, end, &key)
        if not at:
            return DECLINED
        if is_data(&key):
            if seen & SEEN_DATA:
                return DECLINED
            seen |= SEEN_DATA
            if seen & SEEN_TYPE:
                at = after_data(at, end, event)
            else:
                early = at
                at = after_early = after_flat_object(at, end)
            if not at:
                return DECLINED
        else:
            at = after_scalar(at, end, &read)
            if not at or not attribute(&key, &read, event, &seen):
                return DECLINED
        at = after_blanks(at, end)
        if at >= end:
            return DECLINED
        if at[0] == c"}":
            break
        if at[0] != c",":
            return DECLINED
        at += 1
    if after_blanks(at + 1, end) != end or seen & SEEN_REQUIRED != SEEN_REQUIRED:
        return DECLINED
    return early == NULL or after_data(early, end, event) == after_early


# -- for tests --------------------------------------------------------------------------------------------------


cdef object text_of(Text *text):
    return None if text.size < 0 else text.at[: text.size].decode("ascii")


def scanned(bytes value):
    cdef Scanned event
    if not scan(value, len(value), &event):
        return None
    out = {
        "type": event.type,
        "id": text_of(&event.id),
        "source": text_of(&event.source),
        "subject": text_of(&event.subject),
        "time_us": event.time_us,
        "sequence": event.sequence,
        "sequence_text": text_of(&event.sequence_text),
        "tenant": text_of(&event.tenant),
    }
    if event.type == MESSAGE:
        out.update(actor=event.actor, public=bool(event.public))
    elif event.type == STATUS_CHANGED:
        out.update(status=event.status)
    elif event.type == CREATED or event.type == UPDATED:
        if event.type == CREATED:
            out.update(actor=event.actor)
        if event.channel.size != ABSENT:
            out.update(channel=text_of(&event.channel))
        if event.group.size != ABSENT:
            out.update(group=text_of(&event.group))
        if event.priority.size != ABSENT:
            out.update(priority=text_of(&event.priority))
        if event.assignee.size != ABSENT:
            out.update(assignee=text_of(&event.assignee))
        if event.category.size != ABSENT:
            out.update(category=text_of(&event.category))
        if event.complaint != ABSENT:
            out.update(complaint=None if event.complaint == NULL_VALUE else bool(event.complaint))
        out.update(has_tags=bool(event.has_tags))
    return out
