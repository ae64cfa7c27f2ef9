"""Facts that wait to be counted, in a table of C: what a fact costs is a look-up, and no object is made of it."""


cdef struct Sum:
    long long pane
    long long key
    long long n


cdef class Tally:
    #: facts taken in since the last ``take``
    cdef readonly Py_ssize_t waiting
    cdef long long width_us
    #: upper bounds of the cells of durations, ascending; what is beyond the last falls into ``last_cell``
    cdef long long *bounds_us
    cdef Py_ssize_t bounds_count, last_cell
    #: sums in the order in which they were begun, and where each stands, by its hash (open addressing)
    cdef Sum *sums
    cdef Py_ssize_t used, room
    cdef int *places
    #: (pane, key) -> what its sum had gathered when it outgrew 64 bits, and began again from zero
    cdef dict beyond
    #: the pane that the last fact fell into, and its first moment
    cdef long long pane, pane_us

    # what the lane calls; each counts one fact
    cdef int count(self, long long key, long long time_us, long long n) except -1
    cdef int duration(self, long long key, long long time_us, long long lasted_us, long long n) except -1

    cdef long long pane_of(self, long long time_us) noexcept
    cdef long long cell_of(self, long long lasted_us) noexcept
    cdef int put(self, long long pane, long long key, long long n) except -1
    cdef int put_any(self, long long pane, long long key, object n) except -1
    cdef int put_beyond(self, long long pane, long long key, object n) except -1
    cdef Sum *find(self, long long pane, long long key) except NULL
    cdef int grow(self) except -1

    #: of the next ring: its panes are whole panes of these
    cdef Tally wider

    cdef int count_into_ring(self, object ring) except -1
    cdef int count_into_pane(self, Sum *each, dict pane, list totals) except -1
    cdef int widen(self, long long width_us) except -1
    cdef object number(self, Sum *each)
    cdef int forget(self) except -1
