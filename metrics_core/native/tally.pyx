# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Counting facts into panes; metrics_core/tally.py is the definition."""

cimport cython
from cpython.dict cimport PyDict_DelItem, PyDict_GetItemWithError, PyDict_Next, PyDict_SetItem
from cpython.object cimport PyObject
from libc.limits cimport LLONG_MAX, LLONG_MIN
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

from metrics_core.facts import CODE_MASK as _CODE_MASK, CODE_SHIFT as _CODE_SHIFT, SUM
from metrics_core.grid import BOUNDS_US, CELLS, EDGES_US


cdef extern from *:
    """
    /* Arithmetic on 64 bits; 1 where the outcome does not fit, and nothing is changed then. */
    static inline int add_exactly(long long *sum, long long n)
    {
        long long outcome;
        if (__builtin_add_overflow(*sum, n, &outcome))
            return 1;
        *sum = outcome;
        return 0;
    }

    static inline int multiply_exactly(long long one, long long other, long long *product)
    {
        return __builtin_mul_overflow(one, other, product);
    }

    /* Keys differ in their upper bits, too, so the upper half of the product must reach the lower. */
    static inline Py_ssize_t place_of(long long pane, long long key, Py_ssize_t places)
    {
        unsigned long long mixed = (unsigned long long)key * 0x9E3779B97F4A7C15ULL
            ^ (unsigned long long)pane * 0xC2B2AE3D27D4EB4FULL;
        return (Py_ssize_t)((mixed ^ mixed >> 32) & (unsigned long long)(places - 1));
    }
    """
    bint add_exactly(long long *sum, long long n) noexcept
    bint multiply_exactly(long long one, long long other, long long *product) noexcept
    Py_ssize_t place_of(long long pane, long long key, Py_ssize_t places) noexcept

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object number, int *overflow) except? -1


cdef enum:
    #: sums that a table begins with; a power of two, as all that follow
    FIRST_ROOM = 128
    #: a table that was filled to less than one in so many parts is given back: a worker that has caught up, with
    #: tables for each of many partitions, needs small ones
    ROOMY = 16
    #: places per sum: half of them stay free, so that a look-up seldom asks a second one
    SPARSE = 2
    FREE = -1

#: from the code of a duration to the code of its sum
cdef long long TO_SUM = SUM
cdef long long CODE_SHIFT = _CODE_SHIFT
cdef long long CODE_MASK = _CODE_MASK


@cython.final
cdef class Tally:
    """What waits to be counted, by pane of the finest ring."""

    def __cinit__(self, long long width_us, *, bint fine):
        bounds_us = BOUNDS_US if fine else EDGES_US
        self.width_us = width_us
        self.bounds_count = len(bounds_us)
        self.last_cell = CELLS - 1 if fine else self.bounds_count
        self.beyond = {}
        self.bounds_us = <long long *>malloc(self.bounds_count * sizeof(long long))
        if self.bounds_us == NULL:
            raise MemoryError
        for at, bound_us in enumerate(bounds_us):
            self.bounds_us[<Py_ssize_t>at] = bound_us
        self.grow()

    def __dealloc__(self):
        free(self.bounds_us)
        free(self.sums)
        free(self.places)

    def add(self, facts):
        """Take the counts and durations of Facts in."""
        cdef list counts = facts.counts, durations = facts.durations
        cdef long long pane
        for key, time_us, n in counts:
            self.put_any(self.pane_of(time_us), key, n)
        for key, time_us, lasted_us, n in durations:
            pane = self.pane_of(time_us)
            self.put_any(pane, <long long>key | self.cell_of(_clip(lasted_us)), n)
            self.put_any(pane, <long long>key + TO_SUM, n * lasted_us)
        self.waiting += len(counts) + len(durations)

    def take(self):
        """Counts by pane of all that waited; nothing waits then."""
        cdef dict out = {}, of_pane = None
        cdef long long pane = 0
        cdef Py_ssize_t at
        cdef Sum *each
        for at in range(self.used):
            each = &self.sums[at]
            if of_pane is None or each.pane != pane:
                pane = each.pane
                of_pane = out.setdefault(pane, {})
            of_pane[each.key] = self.number(each)
        self.forget()
        return out

    def count_into(self, rings, ever):
        """Count all that waited into the rings' panes, where these are not too old, and into ``ever`` (None: nowhere)
        in any case; nothing waits then. A ring's panes are whole panes of the one before."""
        cdef Tally tally = self
        cdef Py_ssize_t at
        for at in range(len(rings)):
            ring = rings[at]
            if at:
                tally.widen(ring.width_us)
                tally = tally.wider
            tally.count_into_ring(ring)
        if ever is not None:
            for at in range(tally.used):
                _put(ever, tally.sums[at].key, tally.number(&tally.sums[at]))
        tally = self
        while tally is not None:
            tally.forget()
            tally = tally.wider

    cdef int count(self, long long key, long long time_us, long long n) except -1:
        self.waiting += 1
        return self.put(self.pane_of(time_us), key, n)

    cdef int duration(self, long long key, long long time_us, long long lasted_us, long long n) except -1:
        cdef long long pane = self.pane_of(time_us), sum_us = 0
        self.waiting += 1
        self.put(pane, key | self.cell_of(lasted_us), n)
        if multiply_exactly(n, lasted_us, &sum_us):
            return self.put_any(pane, key + TO_SUM, <object>n * <object>lasted_us)
        return self.put(pane, key + TO_SUM, sum_us)

    cdef long long pane_of(self, long long time_us) noexcept:
        """The pane of a moment; most fall into that of the one before."""
        cdef long long since_us = time_us - self.pane_us
        if since_us < 0 or since_us >= self.width_us:
            self.pane = _floor(time_us, self.width_us)
            self.pane_us = self.pane * self.width_us
        return self.pane

    cdef long long cell_of(self, long long lasted_us) noexcept:
        """The first cell whose bound is not below a duration."""
        cdef Py_ssize_t low = 0, high = self.bounds_count, middle
        while low < high:
            middle = (low + high) >> 1
            if self.bounds_us[middle] < lasted_us:
                low = middle + 1
            else:
                high = middle
        return low if low < self.last_cell else self.last_cell

    cdef int put(self, long long pane, long long key, long long n) except -1:
        """Add to the sum of a key in a pane; there is one from then on, even if it is zero."""
        if add_exactly(&self.find(pane, key).n, n):
            return self.put_beyond(pane, key, n)
        return 0

    cdef int put_any(self, long long pane, long long key, object n) except -1:
        """Add a number of any size."""
        cdef int overflow = 0
        cdef long long fits = PyLong_AsLongLongAndOverflow(n, &overflow)
        return self.put_beyond(pane, key, n) if overflow else self.put(pane, key, fits)

    cdef int put_beyond(self, long long pane, long long key, object n) except -1:
        """Add what 64 bits do not hold: the sum goes on as an object, and that in the table begins again."""
        cdef Sum *found = self.find(pane, key)
        place = (pane, key)
        self.beyond[place] = self.beyond.get(place, 0) + <object>found.n + n
        found.n = 0
        return 0

    cdef Sum *find(self, long long pane, long long key) except NULL:
        """The sum of a key in a pane, a new one where there is none; it stays there until the next ``find``."""
        cdef Py_ssize_t places, place
        cdef Sum *found
        if self.used == self.room:
            self.grow()
        places = self.room * SPARSE
        place = place_of(pane, key, places)
        while self.places[place] != FREE:
            found = &self.sums[self.places[place]]
            if found.key == key and found.pane == pane:
                return found
            place = (place + 1) & (places - 1)
        self.places[place] = <int>self.used
        found = &self.sums[self.used]
        found.pane, found.key, found.n = pane, key, 0
        self.used += 1
        return found

    cdef int grow(self) except -1:
        """Make room for twice as many sums."""
        cdef Py_ssize_t room = self.room * 2 if self.room else FIRST_ROOM
        cdef Py_ssize_t places = room * SPARSE, place, at
        cdef Sum *sums = <Sum *>realloc(self.sums, room * sizeof(Sum))
        if sums == NULL:
            raise MemoryError
        self.sums = sums
        cdef int *fresh = <int *>malloc(places * sizeof(int))
        if fresh == NULL:
            raise MemoryError
        memset(fresh, 0xFF, places * sizeof(int))
        for at in range(self.used):
            place = place_of(sums[at].pane, sums[at].key, places)
            while fresh[place] != FREE:
                place = (place + 1) & (places - 1)
            fresh[place] = <int>at
        free(self.places)
        self.places = fresh
        self.room = room
        return 0

    cdef int count_into_ring(self, object ring) except -1:
        """What Ring.take does with all that waits."""
        cdef dict panes = ring.panes, of_pane = None
        cdef list windows = [one for one in ring.windows if one.start < one.stop], totals = []
        cdef long long floor = ring.floor, pane = 0
        cdef Py_ssize_t at
        cdef Sum *each
        for at in range(self.used):
            each = &self.sums[at]
            if each.pane < floor:
                continue
            if of_pane is None or each.pane != pane:
                pane = each.pane
                of_pane = panes.get(pane)
                if of_pane is None:
                    of_pane = panes[pane] = {}
                ring.dirty.add(pane)
                totals = [(one.total, one.codes) for one in windows if one.start <= pane < one.stop]
            self.count_into_pane(each, of_pane, totals)
        return 0

    cdef int count_into_pane(self, Sum *each, dict pane, list totals) except -1:
        """``totals``: of the windows that hold the pane, each with the numbers of the codes that it counts."""
        cdef object key = each.key, n = self.number(each)
        _put(pane, key, n)
        for total, codes in totals:
            if codes is None or (each.key >> CODE_SHIFT & CODE_MASK) in <frozenset>codes:
                _put_or_drop(<dict>total, key, n, False)
        return 0

    cdef int widen(self, long long width_us) except -1:
        """Put all sums into the tally of wider panes."""
        cdef long long panes = width_us // self.width_us, pane
        cdef Py_ssize_t at
        cdef Sum *each
        if self.wider is None:
            self.wider = Tally(width_us, fine=False)
        for at in range(self.used):
            each = &self.sums[at]
            self.wider.put(_floor(each.pane, panes), each.key, each.n)
        for (index, key), n in self.beyond.items():
            self.wider.put_any(_floor(index, panes), key, n)
        return 0

    cdef object number(self, Sum *each):
        """A sum as an object, exact at any size."""
        if self.beyond:
            return <object>each.n + self.beyond.get((each.pane, each.key), 0)
        return each.n

    cdef int forget(self) except -1:
        """Nothing waits from now on."""
        if self.beyond:
            self.beyond = {}
        if self.room > FIRST_ROOM and self.used < self.room // ROOMY:
            self.used = self.room = 0
            self.grow()
        else:
            memset(self.places, 0xFF, self.room * SPARSE * sizeof(int))
        self.used = self.waiting = 0
        return 0


def add_counts(dict total not None, dict pane not None, int sign, frozenset codes):
    """counts.add_counts in C."""
    cdef PyObject *key = NULL
    cdef PyObject *n = NULL
    cdef Py_ssize_t at = 0
    while PyDict_Next(pane, &at, &key, &n):
        if codes is None or (<long long><object>key >> CODE_SHIFT & CODE_MASK) in codes:
            _put_or_drop(total, <object>key, <object>n, sign < 0)


cdef inline int _put(dict into, object key, object n) except -1:
    """Add to a pane; a zero stays."""
    cdef PyObject *known = PyDict_GetItemWithError(into, key)
    return PyDict_SetItem(into, key, n if known == NULL else <object>known + n)


cdef inline int _put_or_drop(dict total, object key, object n, bint minus) except -1:
    """Add to a total, or subtract; what comes to nothing leaves it."""
    cdef PyObject *known = PyDict_GetItemWithError(total, key)
    cdef object now
    if known == NULL:
        now = -n if minus else n
    else:
        now = <object>known - n if minus else <object>known + n
    if now:
        return PyDict_SetItem(total, key, now)
    return 0 if known == NULL else PyDict_DelItem(total, key)


cdef inline long long _floor(long long pane, long long panes) noexcept:
    """The wider pane that a pane lies in; floor division, as Python's."""
    return pane // panes - (pane % panes < 0)


cdef long long _clip(object number) except? -1:
    """A number as far as 64 bits go: what is beyond them is in the same cell."""
    cdef int overflow = 0
    cdef long long fits = PyLong_AsLongLongAndOverflow(number, &overflow)
    if overflow:
        return LLONG_MAX if overflow > 0 else LLONG_MIN
    return fits
