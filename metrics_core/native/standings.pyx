# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""How tickets stand among the open ones, settled in C: what subjects.py (settle), tickets/open_tickets.py (standing,
change) and ages.py (add, remove) do one after the other. The indexes are the very objects of the pure form, so that
both can take turns; clocks of service levels are left to it.
"""

from bisect import insort

from cpython.array cimport array
from cpython.dict cimport PyDict_GetItemWithError, PyDict_SetItem
from cpython.object cimport PyObject

from metrics_core.native.slots cimport slot_get, slot_number, slot_offset, slot_set, slot_set_number

from metrics_core import times
from metrics_core.ages import _Starts
from metrics_core.tickets import machine, open_tickets
from metrics_core.tickets.complaints import About
from metrics_core.tickets.machine import Ticket
from metrics_core.tickets.open_tickets import _waiting

# numbers of the pure form, as C knows them
cdef enum:
    ORPHAN = 0
    RESOLVED = 4
    # places in a Standing
    LABEL = 0
    STATUS = 1
    BORN_US = 2
    WAITING_US = 3
    UNASSIGNED = 4
    CLOCKS = 5
    COMPLAINT = 6

assert (ORPHAN, RESOLVED) == (machine.ORPHAN, machine.RESOLVED)

cdef long long DAY_US = times.DAY_US
cdef long long STATUS_BITS = open_tickets.STATUS_BITS

# where the fields of rows and of an index lie
cdef Py_ssize_t AT_LAST_US = slot_offset(Ticket, "last_us")
cdef Py_ssize_t AT_KNOWN = slot_offset(Ticket, "known")
cdef Py_ssize_t AT_STATUS = slot_offset(Ticket, "status")
cdef Py_ssize_t AT_HIDDEN = slot_offset(Ticket, "hidden")
cdef Py_ssize_t AT_LABEL = slot_offset(Ticket, "label")
cdef Py_ssize_t AT_ASSIGNED = slot_offset(Ticket, "assigned")
cdef Py_ssize_t AT_BORN_US = slot_offset(Ticket, "born_us")
cdef Py_ssize_t AT_WAITING_US = slot_offset(Ticket, "waiting_us")
cdef Py_ssize_t AT_CLOCKS = slot_offset(Ticket, "clocks")
cdef Py_ssize_t AT_ABOUT = slot_offset(Ticket, "about")
cdef Py_ssize_t AT_LABEL_OF_COMPLAINT = slot_offset(About, "label")
cdef Py_ssize_t AT_DAYS = slot_offset(_Starts, "days")
cdef Py_ssize_t AT_COUNT = slot_offset(_Starts, "count")
cdef Py_ssize_t AT_SUM_US = slot_offset(_Starts, "sum_us")

cdef object _NOT_ASKED = -1


def settle_tickets(index, dict touched not None, dict hot not None, dict due not None, long long horizon_us):
    """Subjects.settle: ``index`` is brought up to the rows that were touched, the closed ones become ``due``; returns
    how many more orphans there are."""
    cdef Open open_now = Open(index)
    cdef long long orphans = 0
    for subject, before in touched.items():
        row = hot[subject]
        _check(row)
        old, known = <tuple>before
        new = standing(row)
        if old is not new and old != new:
            open_now.change(old, new)
        orphans += <long long>known - (slot_number(row, AT_KNOWN) != ORPHAN)
        if _is_closed(row):
            day = _day(slot_number(row, AT_LAST_US) + horizon_us)
            subjects = due.get(day)
            if subjects is None:
                subjects = due[day] = []
            (<list>subjects).append(subject)
    return orphans


cdef class Open:
    """The parts of an OpenTickets."""

    cdef object index
    cdef dict by_status, unassigned, complaints, ages, waits

    def __cinit__(self, index):
        self.index = index
        self.by_status, self.unassigned, self.complaints = index.by_status, index.unassigned, index.complaints
        self.ages, self.waits = index.ages._labels, index.waits._labels

    cdef int change(self, tuple old, tuple new) except -1:
        """OpenTickets.change"""
        if old is None or new is None or old[LABEL] != new[LABEL] or old[BORN_US] != new[BORN_US]:
            if old is not None:
                self.put(old, -1)
            if new is not None:
                self.put(new, 1)
            return 0
        label = new[LABEL]
        if old[STATUS] != new[STATUS]:
            self.count(label, old[STATUS], -1)
            self.count(label, new[STATUS], 1)
        if old[WAITING_US] != new[WAITING_US]:
            if old[WAITING_US]:
                _remove(self.waits, label, old[WAITING_US])
            if new[WAITING_US]:
                _add(self.waits, label, new[WAITING_US])
        if old[UNASSIGNED] != new[UNASSIGNED]:
            _count(self.unassigned, label, 1 if new[UNASSIGNED] else -1)
        if old[CLOCKS] != new[CLOCKS]:
            self.index._clocks(old[CLOCKS], new[CLOCKS])
        if old[COMPLAINT] != new[COMPLAINT]:
            self.complain(old[COMPLAINT], -1)
            self.complain(new[COMPLAINT], 1)
        return 0

    cdef int put(self, tuple at, int n) except -1:
        """OpenTickets._put"""
        label, clocks = at[LABEL], at[CLOCKS]
        if clocks:
            self.index._clocks((), clocks) if n > 0 else self.index._clocks(clocks, ())
        self.complain(at[COMPLAINT], n)
        self.count(label, at[STATUS], n)
        if n > 0:
            _add(self.ages, label, at[BORN_US])
        else:
            _remove(self.ages, label, at[BORN_US])
        if at[WAITING_US]:
            if n > 0:
                _add(self.waits, label, at[WAITING_US])
            else:
                _remove(self.waits, label, at[WAITING_US])
        if at[UNASSIGNED]:
            _count(self.unassigned, label, n)
        return 0

    cdef int count(self, object label, object status, int n) except -1:
        key = <long long>label << STATUS_BITS | <long long>status
        assert n > 0 or key in self.by_status, "more tickets left a status than entered it"
        return _count(self.by_status, key, n)

    cdef int complain(self, object label, int n) except -1:
        return _count(self.complaints, label, n) if <long long>label >= 0 else 0


cdef inline int _check(object row) except -1:
    """Fields are read where a Ticket has them."""
    if type(row) is not Ticket:
        raise TypeError(f"{type(row).__name__} is no row of a ticket")
    return 0


cdef inline int _is_closed(object row) except -1:
    return slot_number(row, AT_STATUS) >= RESOLVED or slot_number(row, AT_HIDDEN) != 0


cdef object standing(object row):
    """open_tickets.standing"""
    cdef object label, status, born_us, clocks, about, complaint
    if _is_closed(row):
        return None
    label, status = <object>slot_get(row, AT_LABEL), <object>slot_get(row, AT_STATUS)
    born_us = <object>slot_get(row, AT_BORN_US)
    if slot_number(row, AT_KNOWN) == ORPHAN:
        return (label, status, born_us, 0, False, (), _NOT_ASKED)
    clocks, about = <object>slot_get(row, AT_CLOCKS), <object>slot_get(row, AT_ABOUT)
    complaint = _NOT_ASKED if about is None else <object>slot_get(about, AT_LABEL_OF_COMPLAINT)
    return (
        label,
        status,
        born_us,
        <object>slot_get(row, AT_WAITING_US),
        not <object>slot_get(row, AT_ASSIGNED),
        () if clocks is None else _waiting(label, clocks),
        complaint,
    )


cdef int _count(dict counts, object key, long long n) except -1:
    """Add to one of the counts; what comes to nothing is taken out."""
    cdef PyObject *known = PyDict_GetItemWithError(counts, key)
    cdef long long now = n if known == NULL else <long long><object>known + n
    if now:
        return PyDict_SetItem(counts, key, now)
    del counts[key]
    return 0


cdef inline long long _day(long long time_us) noexcept:
    """Floor division, as Python's."""
    return time_us // DAY_US - (time_us % DAY_US < 0)


cdef int _add(dict labels, object label, object start_us) except -1:
    """AgeIndex.add"""
    cdef object of_label = labels.get(label), day = _day(start_us)
    cdef array starts
    cdef dict days
    if of_label is None:
        of_label = labels[label] = _Starts()
    days = <dict?><object>slot_get(of_label, AT_DAYS)
    starts = days.get(day)
    if starts is None:
        days[day] = array("q", (start_us,))
    elif <long long>start_us >= starts.data.as_longlongs[len(starts) - 1]:
        starts.append(start_us)
    else:
        insort(starts, start_us)
    slot_set_number(of_label, AT_COUNT, slot_number(of_label, AT_COUNT) + 1)
    slot_set(of_label, AT_SUM_US, <object>slot_get(of_label, AT_SUM_US) + start_us)
    return 0


cdef int _remove(dict labels, object label, object start_us) except -1:
    """AgeIndex.remove"""
    cdef object of_label = labels[label], day = _day(start_us)
    cdef dict days = <dict?><object>slot_get(of_label, AT_DAYS)
    cdef array starts = days[day]
    cdef Py_ssize_t at = _bisect_left(starts, start_us), count = len(starts)
    assert at < count and starts.data.as_longlongs[at] == <long long>start_us, "a start that was never put in"
    if count > 1:
        starts.pop(at)
    else:
        del days[day]
        if not days:
            del labels[label]
    slot_set_number(of_label, AT_COUNT, slot_number(of_label, AT_COUNT) - 1)
    slot_set(of_label, AT_SUM_US, <object>slot_get(of_label, AT_SUM_US) - start_us)
    return 0


cdef Py_ssize_t _bisect_left(array starts, long long start_us) noexcept:
    """How many starts come before one."""
    cdef Py_ssize_t low = 0, high = len(starts), middle
    while low < high:
        middle = (low + high) >> 1
        if starts.data.as_longlongs[middle] < start_us:
            low = middle + 1
        else:
            high = middle
    return low
