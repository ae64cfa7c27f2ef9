"""Records of a fetch as places in its bytes, so that reading one makes no object."""


cdef struct Span:
    long long offset
    long long timestamp     # Kafka's, ms since the epoch; -1 = none
    const char *key         # NULL = none
    Py_ssize_t key_size
    const char *value       # NULL = none
    Py_ssize_t value_size
    bint has_headers        # they are in RecordBlock.headers


cdef class RecordBlock:
    """A run of records in offset order, a Sequence[Record] to Python; a slice shares the bytes of the whole."""

    cdef Span *spans
    cdef Py_ssize_t count
    #: keeps what the spans point into (and, of a slice, the block that owns the spans) alive
    cdef object held
    #: number of the record in the whole block -> its headers; ``first`` is that of spans[0]
    cdef dict headers
    cdef Py_ssize_t first
    cdef bint owns
    #: spans that there is memory for; of a slice 0
    cdef Py_ssize_t room
    #: a slice points into the spans: they must not move any more
    cdef bint shared

    cdef Span *make_room(self, Py_ssize_t more) except NULL
    cdef object hold(self, object source)
    cdef RecordBlock _cut(self, Py_ssize_t start, Py_ssize_t count)
    cdef object _record(self, Py_ssize_t at)
