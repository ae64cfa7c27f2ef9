"""Steps of a ticket in C."""

from metrics_core.native.scan cimport Scanned
from metrics_core.native.tally cimport Tally


cdef class TicketSteps:
    #: durations below zero that were counted as zero; the lane's to take
    cdef long long clamped
    cdef Tally tally
    cdef object relabel, begin_clock, none
    cdef bint has_roster, is_strict, has_hours
    cdef bint promises[3]
    cdef bint counted[256]

    cdef object only(self, codes)
    cdef int step(self, object row, Scanned *event, int move, bint is_new) except -1
    cdef int _count(self, object row, long long code, long long time_us) except -1
    cdef int _duration(self, object row, long long code, long long time_us, long long since_us) except -1
    cdef int _hear_message(self, object row, int move, long long time_us) except -1
    cdef int _agent_reply(self, object row, long long time_us) except -1
    cdef int _set_status(self, object row, long long status, long long time_us) except -1
    cdef int _resolve(self, object row, long long known, long long time_us) except -1
    cdef int _tell(self, object row, Scanned *event, int move, bint is_new) except -1
