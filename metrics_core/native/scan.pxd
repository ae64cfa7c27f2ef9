"""One pass over the JSON of an event of a ticket, as nearly every producer writes it."""


cdef struct Text:
    const char *at
    Py_ssize_t size         # ABSENT or NULL_VALUE where there is no text


cdef enum:
    ABSENT = -2             # the event does not name the field
    NULL_VALUE = -1         # it is null

cdef enum:                  # Scanned.type
    CREATED = 0
    MESSAGE = 1
    STATUS_CHANGED = 2
    UPDATED = 3
    ESCALATED = 4

cdef enum:                  # Scanned.sequence, where it is no number below 1000 written without zeros before it
    NO_SEQUENCE = -1        # absent, null or ""
    OTHER_SEQUENCE = -2     # see sequence_text


cdef struct Scanned:
    int type
    Text id
    Text source
    Text subject
    long long time_us
    int sequence
    Text sequence_text      # as it stands in a string, or the digits of a JSON integer
    Text tenant             # ABSENT and NULL_VALUE are the same to who asks
    # of the data; each only for the types that have the field
    int actor               # created, message: 0 customer, 1 agent, 2 bot, 3 system; created: -1 = absent or null
    bint public
    int status              # status_changed ("to"): 0 new, 1 open, 2 pending, 3 on_hold, 4 resolved, 5 closed
    Text channel            # created, updated, as the four that follow
    Text group
    Text priority
    Text assignee
    Text category
    int complaint           # ABSENT, NULL_VALUE, 0 or 1
    bint has_tags           # the event names them (null or a list of strings)


cdef int scan(const char *value, Py_ssize_t size, Scanned *event) noexcept nogil
"""1 where the event was read, and decode.py would take the same from it; 0 where it must be asked."""
