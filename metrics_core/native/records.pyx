# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Records of a fetch as places in its bytes; what Python asks for is made when it asks."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.number cimport PyNumber_AsSsize_t
from libc.stdlib cimport free, realloc

from collections.abc import Sequence

from metrics_core.records import FileRecord

cdef object _new_record = FileRecord
cdef tuple _NO_HEADERS = ()
#: A block begins with memory for so many records.
cdef Py_ssize_t _FIRST_ROOM = 64


@cython.no_gc  # it holds bytes, or another block, and can be in no cycle
@cython.final
cdef class RecordBlock:
    """A run of records, a Sequence[Record] to Python; a slice shares the bytes of the whole.

    To C it is ``spans[0:count]``, fixed once the block was handed out.
    """

    def __cinit__(self, *_):
        self.owns = True
        self.held = []
        self.headers = {}

    def __init__(self, records=()):
        for record in records:
            self._add(record)

    def __dealloc__(self):
        if self.owns:
            free(self.spans)

    cdef Span *make_room(self, Py_ssize_t more) except NULL:
        """Where the next ``more`` records go; ``count`` is the caller's to raise, by what it wrote."""
        cdef Py_ssize_t needed = self.count + more
        cdef void *moved
        if self.shared or not self.owns:
            raise BufferError("a block that was cut cannot grow")
        if needed > self.room or self.spans == NULL:
            needed = max(needed, 2 * self.room, _FIRST_ROOM)
            moved = realloc(self.spans, needed * sizeof(Span))
            if moved == NULL:
                raise MemoryError()
            self.spans = <Span *>moved
            self.room = needed
        return &self.spans[self.count]

    cdef object hold(self, object source):
        """Keep alive what spans will point into."""
        (<list>self.held).append(source)

    def _add(self, record):
        cdef bytes key = record.key
        cdef bytes value = record.value
        cdef object timestamp = record.timestamp
        cdef object headers = record.headers
        cdef Span *span = self.make_room(1)
        span.offset = record.offset
        span.timestamp = -1 if timestamp is None else timestamp
        span.key, span.key_size = NULL, 0
        span.value, span.value_size = NULL, 0
        if key is not None:
            self.hold(key)
            span.key, span.key_size = PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key)
        if value is not None:
            self.hold(value)
            span.value, span.value_size = PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)
        span.has_headers = bool(headers)
        if headers:
            self.headers[self.count] = tuple(headers)
        self.count += 1

    def __len__(self):
        return self.count

    def __bool__(self):
        return self.count > 0

    def __getitem__(self, index):
        cdef Py_ssize_t at, start, stop, step
        if isinstance(index, slice):
            start, stop, step = (<slice>index).indices(self.count)
            if step != 1:
                raise ValueError("a block is cut in one piece: its step is 1")
            return self._cut(start, max(0, stop - start))
        at = PyNumber_AsSsize_t(index, IndexError)
        if at < 0:
            at += self.count
        if not 0 <= at < self.count:
            raise IndexError(f"record {index} of {self.count}")
        return self._record(at)

    def __iter__(self):
        cdef Py_ssize_t at
        for at in range(self.count):
            yield self._record(at)

    def __repr__(self):
        if not self.count:
            return "RecordBlock()"
        last = self.spans[self.count - 1].offset
        return f"<RecordBlock of {self.count}, offsets {self.spans[0].offset} to {last}>"

    cdef RecordBlock _cut(self, Py_ssize_t start, Py_ssize_t count):
        cdef RecordBlock part = RecordBlock.__new__(RecordBlock)
        self.shared = True
        part.owns = False
        # never a slice of a slice of a slice: each would keep the one before alive
        part.held = self if self.owns else self.held
        part.headers = self.headers
        part.first = self.first + start
        part.count = count
        part.spans = NULL if self.spans == NULL else &self.spans[start]
        return part

    cdef object _record(self, Py_ssize_t at):
        cdef Span *span = &self.spans[at]
        cdef object key = None
        cdef object value = None
        if span.key != NULL:
            key = PyBytes_FromStringAndSize(span.key, span.key_size)
        if span.value != NULL:
            value = PyBytes_FromStringAndSize(span.value, span.value_size)
        headers = self.headers[self.first + at] if span.has_headers else _NO_HEADERS
        return _new_record(value, span.offset, key, span.timestamp, headers)


Sequence.register(RecordBlock)
