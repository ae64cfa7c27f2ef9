"""Events of a ticket boiled down to moves (tickets/moves.py), as numbers, as Python has them and as histories do.
``none`` is the label of what is not known."""

from libc.string cimport memcpy

from metrics_core.native.msgpack cimport pack_number, pack_str, pack_text, pack_text_or_nil
from metrics_core.native.scan cimport ABSENT, CREATED, ESCALATED, MESSAGE, NULL_VALUE, STATUS_CHANGED, Scanned, Text

cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
    void *PyUnicode_DATA(object text)

# numbers of tickets/machine.py; lane.pyx holds them against it
cdef enum:
    CUSTOMER = 0
    AGENT = 1
    TO_STATUS = 8
    ESCALATE = 14
    NOTE = 19
    CREATE = 20
    UPDATE = 21
    MOVES = 24


cdef inline object text_of(Text text):
    """A str of ASCII bytes."""
    made = PyUnicode_New(text.size, 127)
    memcpy(PyUnicode_DATA(made), text.at, text.size)
    return made


cdef inline bint changes_labels(Scanned *event) noexcept nogil:
    return event.channel.size != ABSENT or event.group.size != ABSENT or event.priority.size != ABSENT


cdef inline bint says_about(Scanned *event) noexcept nogil:
    return event.category.size != ABSENT or event.complaint != ABSENT or event.has_tags


cdef inline int move_of(Scanned *event) noexcept nogil:
    """The number of the move that an event boils down to (moves.py)."""
    if event.type == MESSAGE:
        return 2 * event.actor + event.public
    if event.type == STATUS_CHANGED:
        return TO_STATUS + event.status
    if event.type == CREATED:
        return CREATE
    if event.type == ESCALATED:
        return ESCALATE
    if changes_labels(event) or event.assignee.size != ABSENT or says_about(event):
        return UPDATE
    return NOTE


cdef inline object assigned(Scanned *event):
    if event.assignee.size == ABSENT:
        return None
    return text_of(event.assignee) if event.assignee.size > 0 else ""


cdef inline object about_of(Scanned *event):
    """What is said of it; of tags none is a mark here."""
    if not says_about(event):
        return None
    category = word = tags = None
    if event.category.size != ABSENT:
        category = text_of(event.category) if event.category.size > 0 else ""
    if event.complaint != ABSENT:
        word = -1 if event.complaint == NULL_VALUE else event.complaint
    if event.has_tags:
        tags = ()
    return (category, word, tags)


cdef inline object label_of(Text label, object none):
    if label.size == ABSENT:
        return None
    return text_of(label) if label.size > 0 else none


cdef inline object changes_of(Scanned *event, object none):
    if not changes_labels(event):
        return None
    return (label_of(event.channel, none), label_of(event.group, none), label_of(event.priority, none))


cdef inline object whole_move(Scanned *event, int move, object none):
    """The move as moves.py makes it."""
    if move < CREATE:
        return move
    if move == UPDATE:
        return (UPDATE, changes_of(event, none), assigned(event), about_of(event))
    actor = event.actor if event.actor >= 0 else CUSTOMER
    return (CREATE, actor, changes_of(event, none), assigned(event), about_of(event))


cdef inline unsigned char *pack_label(unsigned char *to, Text label, object none) except NULL:
    if label.size == ABSENT:
        to[0] = 0xC0
        return to + 1
    if label.size <= 0:
        return pack_str(to, none)
    return pack_text(to, label.at, label.size)


cdef inline unsigned char *pack_move(unsigned char *to, Scanned *event, int move, object none) except NULL:
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
    if changes_labels(event):
        to[0] = 0x93
        to = pack_label(to + 1, event.channel, none)
        to = pack_label(to, event.group, none)
        to = pack_label(to, event.priority, none)
    else:
        to[0] = 0xC0
        to += 1
    to = pack_text_or_nil(to, event.assignee)
    if not says_about(event):
        to[0] = 0xC0
        return to + 1
    to[0] = 0x93
    to = pack_text_or_nil(to + 1, event.category)
    if event.complaint == ABSENT:
        to[0] = 0xC0
        to += 1
    else:
        to = pack_number(to, -1 if event.complaint == NULL_VALUE else event.complaint)
    to[0] = 0x90 if event.has_tags else 0xC0
    return to + 1
