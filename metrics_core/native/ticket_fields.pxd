# cython: cdivision=True
"""Data of a ticket's event: one object of fields, by the event's type (TicketCreated and so on of events.py)."""

from libc.string cimport memcmp

from metrics_core.native.scan cimport (
    CREATED, ESCALATED, MESSAGE, NULL_VALUE, STATUS_CHANGED, UPDATED, Scanned, Text,
)
from metrics_core.native.tokens cimport (
    DECLINED, NOTHING, STRING, TAKEN, TRUE, Value,
    after_blanks, after_key, after_scalar, after_strings, read_text,
)


cdef enum:
    # of Text in events.py
    MOST_TEXT = 1024

cdef enum:
    # fields of its data that were read
    SEEN_ACTOR = 1
    SEEN_AGENT = 2
    SEEN_TO = 4
    SEEN_FROM = 8
    SEEN_PUBLIC = 16
    SEEN_CHANNEL = 32
    SEEN_GROUP = 64
    SEEN_PRIORITY = 128
    SEEN_ASSIGNEE = 256
    SEEN_CATEGORY = 512
    SEEN_COMPLAINT = 1024
    SEEN_TAGS = 2048
    SEEN_REQUESTER = 4096
    SEEN_BRAND = 8192
    SEEN_LEVEL = 16384


cdef inline int read_actor(Value *value, int *number) noexcept nogil:
    """Its place in ACTORS of tickets/machine.py."""
    cdef const char *at = value.at
    cdef Py_ssize_t size = value.size
    if value.kind != STRING:
        return DECLINED
    if size == 5 and memcmp(at, b"agent", 5) == 0:
        number[0] = 1
    elif size == 8 and memcmp(at, b"customer", 8) == 0:
        number[0] = 0
    elif size == 6 and memcmp(at, b"system", 6) == 0:
        number[0] = 3
    elif size == 3 and memcmp(at, b"bot", 3) == 0:
        number[0] = 2
    else:
        return DECLINED
    return TAKEN


cdef inline int read_status(Value *value, int *number) noexcept nogil:
    """Its place in STATUSES of tickets/rules.py."""
    cdef const char *at = value.at
    cdef Py_ssize_t size = value.size
    if value.kind != STRING:
        return DECLINED
    if size == 3 and memcmp(at, b"new", 3) == 0:
        number[0] = 0
    elif size == 4 and memcmp(at, b"open", 4) == 0:
        number[0] = 1
    elif size == 7 and memcmp(at, b"pending", 7) == 0:
        number[0] = 2
    elif size == 7 and memcmp(at, b"on_hold", 7) == 0:
        number[0] = 3
    elif size == 8 and memcmp(at, b"resolved", 8) == 0:
        number[0] = 4
    elif size == 6 and memcmp(at, b"closed", 6) == 0:
        number[0] = 5
    else:
        return DECLINED
    return TAKEN


cdef inline int is_text(Value *value) noexcept nogil:
    """Text of events.py, of which nothing is kept."""
    cdef Text ignored
    return read_text(value, &ignored, MOST_TEXT)


cdef inline int created_or_updated(Text *key, Value *value, Scanned *event, int *seen) noexcept nogil:
    """One field that is no list."""
    cdef const char *at = key.at
    cdef Py_ssize_t size = key.size
    cdef int mark = 0, taken = TAKEN
    if size == 4:
        if memcmp(at, b"tags", 4) == 0:
            mark = SEEN_TAGS
            event.has_tags = True
            taken = value.kind == NOTHING
    elif size == 5:
        if memcmp(at, b"group", 5) == 0:
            mark = SEEN_GROUP
            taken = read_text(value, &event.group, MOST_TEXT)
        elif memcmp(at, b"brand", 5) == 0:
            mark = SEEN_BRAND
            taken = is_text(value)
        elif memcmp(at, b"actor", 5) == 0:
            mark = SEEN_ACTOR
            if event.type == UPDATED:
                taken = is_text(value)
            elif value.kind != NOTHING:
                taken = read_actor(value, &event.actor)
    elif size == 7:
        if memcmp(at, b"channel", 7) == 0:
            mark = SEEN_CHANNEL
            taken = read_text(value, &event.channel, MOST_TEXT)
    elif size == 8:
        if memcmp(at, b"assignee", 8) == 0:
            mark = SEEN_ASSIGNEE
            taken = read_text(value, &event.assignee, MOST_TEXT)
        elif memcmp(at, b"priority", 8) == 0:
            mark = SEEN_PRIORITY
            taken = read_text(value, &event.priority, MOST_TEXT)
        elif memcmp(at, b"category", 8) == 0:
            mark = SEEN_CATEGORY
            taken = read_text(value, &event.category, MOST_TEXT)
    elif size == 9:
        if memcmp(at, b"requester", 9) == 0:
            mark = SEEN_REQUESTER
            taken = is_text(value)
        elif memcmp(at, b"complaint", 9) == 0:
            mark = SEEN_COMPLAINT
            event.complaint = NULL_VALUE if value.kind == NOTHING else value.kind == TRUE
            taken = value.kind >= NOTHING
    if seen[0] & mark:
        return DECLINED
    seen[0] |= mark
    return taken


cdef inline int message(Text *key, Value *value, Scanned *event, int *seen) noexcept nogil:
    cdef const char *at = key.at
    cdef int mark = 0, taken = TAKEN
    if key.size == 5:
        if memcmp(at, b"actor", 5) == 0:
            mark = SEEN_ACTOR
            taken = read_actor(value, &event.actor)
        elif memcmp(at, b"agent", 5) == 0:
            mark = SEEN_AGENT
            taken = is_text(value)
    elif key.size == 6:
        if memcmp(at, b"public", 6) == 0:
            mark = SEEN_PUBLIC
            event.public = value.kind == TRUE
            taken = value.kind >= TRUE
    if seen[0] & mark:
        return DECLINED
    seen[0] |= mark
    return taken


cdef inline int status_changed(Text *key, Value *value, Scanned *event, int *seen) noexcept nogil:
    cdef const char *at = key.at
    cdef int mark = 0, taken = TAKEN
    if key.size == 2:
        if memcmp(at, b"to", 2) == 0:
            mark = SEEN_TO
            taken = read_status(value, &event.status)
    elif key.size == 4:
        if memcmp(at, b"from", 4) == 0:
            mark = SEEN_FROM
            taken = is_text(value)
    elif key.size == 5:
        if memcmp(at, b"actor", 5) == 0:
            mark = SEEN_ACTOR
            taken = is_text(value)
        elif memcmp(at, b"agent", 5) == 0:
            mark = SEEN_AGENT
            taken = is_text(value)
    if seen[0] & mark:
        return DECLINED
    seen[0] |= mark
    return taken


cdef inline int escalated(Text *key, Value *value, int *seen) noexcept nogil:
    if key.size != 5 or memcmp(key.at, b"level", 5) != 0:
        return TAKEN
    if seen[0] & SEEN_LEVEL:
        return DECLINED
    seen[0] |= SEEN_LEVEL
    return value.kind <= NOTHING


cdef inline int field(Text *key, Value *value, Scanned *event, int *seen) noexcept nogil:
    """One field of the data; those that the type does not have are skipped."""
    if event.type == MESSAGE:
        return message(key, value, event, seen)
    if event.type == STATUS_CHANGED:
        return status_changed(key, value, event, seen)
    if event.type == ESCALATED:
        return escalated(key, value, seen)
    return created_or_updated(key, value, event, seen)


cdef inline const char *after_tags(const char *at, const char *end, Scanned *event, int *seen) noexcept nogil:
    """After the list of strings; only two types have one."""
    if (event.type != CREATED and event.type != UPDATED) or seen[0] & SEEN_TAGS:
        return NULL
    seen[0] |= SEEN_TAGS
    event.has_tags = True
    return after_strings(at, end)


cdef inline int is_tags(Text *key) noexcept nogil:
    return key.size == 4 and memcmp(key.at, b"tags", 4) == 0


cdef inline const char *after_data(const char *at, const char *end, Scanned *event) noexcept nogil:
    """After the object of fields of an event whose type is known."""
    cdef Text key
    cdef Value value
    cdef int seen = 0
    value.at, value.size = at, 0
    if at >= end or at[0] != c"{":
        return NULL
    at = after_blanks(at + 1, end)
    if at < end and at[0] == c"}":
        at += 1
    else:
        while True:
            at = after_key(at, end, &key)
            if not at:
                return NULL
            if is_tags(&key) and at < end and at[0] == c"[":
                at = after_tags(at + 1, end, event, &seen)
                if not at:
                    return NULL
            else:
                at = after_scalar(at, end, &value)
                if not at or not field(&key, &value, event, &seen):
                    return NULL
            at = after_blanks(at, end)
            if at >= end:
                return NULL
            if at[0] == c"}":
                at += 1
                break
            if at[0] != c",":
                return NULL
            at += 1
    if event.type == MESSAGE and not seen & SEEN_ACTOR:
        return NULL
    if event.type == STATUS_CHANGED and not seen & SEEN_TO:
        return NULL
    return at
