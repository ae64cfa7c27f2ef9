# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Reads the record batches of a fetch into a RecordBlock, without an object a record.

The layout is that of magic 2 (https://kafka.apache.org/documentation/#recordbatch, KIP-98). What is no such batch
raises CorruptRecordException, as aiokafka's parser does; nothing is read behind the end of the bytes, whatever
lengths they claim.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint32_t

from metrics_core.native.records cimport RecordBlock, Span

from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from aiokafka.record.util import calc_crc32c

cdef extern from *:
    """
    /* CRC-32C (Castagnoli, RFC 3720 B.4) by the instruction that x86-64 has for it since SSE 4.2: 8 bytes a step.
       The table that aiokafka's own form walks costs more than reading the records does. */
    #if defined(__x86_64__) && defined(__GNUC__)
    #include <string.h>
    static int has_crc32c(void) { return __builtin_cpu_supports("sse4.2"); }
    __attribute__((target("sse4.2")))
    static uint32_t crc32c(const unsigned char *at, size_t size)
    {
        unsigned long long sum = 0xFFFFFFFF, word;
        for (; size >= 8; at += 8, size -= 8) {
            memcpy(&word, at, 8);
            sum = __builtin_ia32_crc32di(sum, word);
        }
        for (; size; at++, size--)
            sum = __builtin_ia32_crc32qi((unsigned int)sum, *at);
        return ~(uint32_t)sum;
    }
    #else
    static int has_crc32c(void) { return 0; }
    static uint32_t crc32c(const unsigned char *at, size_t size) { (void)at; (void)size; return 0; }
    #endif
    """
    bint has_crc32c() noexcept nogil
    uint32_t crc32c(const unsigned char *at, size_t size) noexcept nogil

cdef bint _HAS_CRC32C = has_crc32c()

cdef enum:
    # where the fields of a batch begin
    LENGTH_AT = 8
    MAGIC_AT = 16
    CRC_AT = 17
    ATTRIBUTES_AT = 21
    LAST_OFFSET_DELTA_AT = 23
    FIRST_TIMESTAMP_AT = 27
    MAX_TIMESTAMP_AT = 35
    PRODUCER_ID_AT = 43
    COUNT_AT = 57
    RECORDS_AT = 61

    LENGTH_END = 12         # the length of a batch counts from here
    SHORTEST_LENGTH = 14    # of a message of magic 0
    SHORTEST_RECORD = 7     # length, attributes, two deltas, two lengths and the number of headers: a byte each

    NONE_LEFT = -1

    CODEC = 0x07            # the bits of attributes
    LOG_APPEND_TIME = 0x08
    TRANSACTIONAL = 0x10
    CONTROL = 0x20

cdef dict _DECODERS = {1: gzip_decode, 2: snappy_decode, 3: lz4_decode, 4: zstd_decode}


cdef inline long long _big_endian(const unsigned char *at, int size) noexcept nogil:
    """A signed number of ``size`` bytes."""
    cdef unsigned long long number = 0 if at[0] < 0x80 else ~<unsigned long long>0
    cdef int byte
    for byte in range(size):
        number = number << 8 | at[byte]
    return <long long>number


cdef inline long long _sum(long long one, long long other) noexcept nogil:
    """Wraps around where a signed sum would be undefined; only bytes that are no true batch come to that."""
    return <long long>(<unsigned long long>one + <unsigned long long>other)


cdef struct Cursor:
    const unsigned char *at
    const unsigned char *end


cdef inline bint _varint(Cursor *cursor, long long *number) noexcept nogil:
    """A zigzag varint of at most 10 bytes; 0 where it does not end, or not within the cursor."""
    cdef unsigned long long bits = 0
    cdef unsigned char byte
    cdef int shift = 0
    while cursor.at < cursor.end and shift <= 63:
        byte = cursor.at[0]
        cursor.at += 1
        bits |= <unsigned long long>(byte & 0x7F) << shift
        if byte < 0x80:
            number[0] = <long long>(bits >> 1) ^ -<long long>(bits & 1)
            return True
        shift += 7
    return False


cdef inline bint _nullable(Cursor *cursor, const char **at, Py_ssize_t *size) noexcept nogil:
    """Bytes with their length before them; a negative length is null."""
    cdef long long length = 0
    at[0], size[0] = NULL, 0
    if not _varint(cursor, &length):
        return False
    if length < 0:
        return True
    if length > cursor.end - cursor.at:
        return False
    at[0], size[0] = <const char *>cursor.at, <Py_ssize_t>length
    cursor.at += length
    return True


cdef bint _read(Cursor *cursor, Span *span, long long *header_count) noexcept nogil:
    """A record up to its headers, its offset and timestamp as deltas; 0 where it is none. Where there are headers,
    the cursor stands at the first; it ends where the record does."""
    cdef long long size = 0
    cdef long long attributes = 0
    if not _varint(cursor, &size) or not 0 <= size <= cursor.end - cursor.at:
        return False
    cursor.end = cursor.at + size
    # one byte that nothing uses yet; read as aiokafka reads it
    return (
        _varint(cursor, &attributes)
        and _varint(cursor, &span.timestamp)
        and _varint(cursor, &span.offset)
        and _nullable(cursor, &span.key, &span.key_size)
        and _nullable(cursor, &span.value, &span.value_size)
        and _varint(cursor, header_count)
        and (header_count[0] > 0 or (header_count[0] == 0 and cursor.at == cursor.end))
    )


cdef tuple _headers(Cursor *cursor, long long count):
    """((name, value or None), ...); None where they do not fill what is left of the record. A name may be any bytes:
    no producer's mistake keeps the records beside it from being read."""
    cdef const char *name = NULL
    cdef const char *value = NULL
    cdef Py_ssize_t name_size = 0
    cdef Py_ssize_t value_size = 0
    cdef list found = []
    while count > 0:
        if not _nullable(cursor, &name, &name_size) or name == NULL:
            return None
        if not _nullable(cursor, &value, &value_size):
            return None
        held = None if value == NULL else PyBytes_FromStringAndSize(value, value_size)
        found.append((name[:name_size].decode("utf-8", "replace"), held))
        count -= 1
    return tuple(found) if cursor.at == cursor.end else None


@cython.final
cdef class RecordBatch:
    """One batch; its properties are named as those of aiokafka's."""

    cdef bytes _raw
    cdef Py_ssize_t _start, _size
    cdef const unsigned char *_at
    cdef int _attributes
    cdef readonly long long base_offset
    cdef readonly long long producer_id

    def __init__(self):
        raise TypeError("RecordBatches makes them")

    @property
    def next_offset(self):
        return _sum(self.base_offset, _big_endian(self._at + LAST_OFFSET_DELTA_AT, 4) + 1)

    @property
    def is_transactional(self):
        return (self._attributes & TRANSACTIONAL) != 0

    @property
    def is_control_batch(self):
        return (self._attributes & CONTROL) != 0

    def validate_crc(self):
        """Whether the sum that the producer made of the batch is still its sum."""
        cdef object found
        cdef uint32_t stored = <uint32_t>_big_endian(self._at + CRC_AT, 4)
        if _HAS_CRC32C:
            return crc32c(self._at + ATTRIBUTES_AT, self._size - ATTRIBUTES_AT) == stored
        found = calc_crc32c(memoryview(self._raw)[self._start + ATTRIBUTES_AT : self._start + self._size])
        return found == stored

    def __iter__(self):
        block = RecordBlock()
        self.read_into(block, self.base_offset)
        return iter(block)

    def read_into(self, RecordBlock block not None, long long from_offset):
        """Append the records to ``block``; those before ``from_offset`` are left out where the batch begins so."""
        cdef long long left = _big_endian(self._at + COUNT_AT, 4)
        cdef bytes source = self._raw
        cdef Cursor rest
        cdef Span *spans
        cdef Py_ssize_t taken
        rest.at, rest.end = self._at + RECORDS_AT, self._at + self._size
        if self._attributes & CODEC:
            source = self._decoded()
            rest.at = <const unsigned char *>PyBytes_AS_STRING(source)
            rest.end = rest.at + PyBytes_GET_SIZE(source)
        left = max(0, left)
        # also keeps a false number from asking for the memory that it would need
        if left > (rest.end - rest.at) // SHORTEST_RECORD:
            raise self._corrupt(f"{left} records in {rest.end - rest.at} bytes")
        spans = block.make_room(<Py_ssize_t>left)
        taken = self._read_all(&rest, <Py_ssize_t>left, block, spans, from_offset)
        if taken:
            block.hold(source)
            block.count += taken

    cdef Py_ssize_t _read_all(
        self, Cursor *rest, Py_ssize_t left, RecordBlock block, Span *spans, long long from_offset
    ) except -1:
        cdef long long first_timestamp = _big_endian(self._at + FIRST_TIMESTAMP_AT, 8)
        cdef long long max_timestamp = _big_endian(self._at + MAX_TIMESTAMP_AT, 8)
        cdef bint appended = (self._attributes & LOG_APPEND_TIME) != 0
        cdef bint begins_before = False
        cdef Py_ssize_t taken = 0
        cdef Py_ssize_t number
        cdef long long header_count = 0
        cdef Cursor record
        cdef Span *span
        cdef tuple headers = None
        for number in range(left):
            span = &spans[taken]
            record = rest[0]
            if not _read(&record, span, &header_count):
                raise self._corrupt(f"its record {number} is no record")
            span.offset = _sum(self.base_offset, span.offset)
            span.timestamp = max_timestamp if appended else _sum(first_timestamp, span.timestamp)
            span.has_headers = header_count > 0
            if header_count:
                headers = _headers(&record, header_count)
                if headers is None:
                    raise self._corrupt(f"the headers of its record {number} are none")
            rest.at = record.end
            if number == 0:
                begins_before = span.offset < from_offset
            if begins_before and span.offset < from_offset:
                continue
            if header_count:
                block.headers[block.count + taken] = headers
            taken += 1
        if rest.at != rest.end:
            raise self._corrupt(f"{rest.end - rest.at} bytes behind its last record")
        return taken

    cdef bytes _decoded(self):
        """Its records, decompressed; errors of the codec are passed on, as aiokafka passes them on."""
        decode = _DECODERS.get(self._attributes & CODEC)
        if decode is None:
            raise UnsupportedCodecError(f"unknown compression codec {self._attributes & CODEC}")
        return decode(memoryview(self._raw)[self._start + RECORDS_AT : self._start + self._size])

    cdef object _corrupt(self, str detail):
        return CorruptRecordException(f"corrupt record batch at offset {self.base_offset}: {detail}")


@cython.final
cdef class RecordBatches:
    """The batches in the bytes of a fetch, in order; a part of one at the end is normal and left out."""

    cdef bytes _raw
    cdef Py_ssize_t _position

    def __cinit__(self, bytes raw not None):
        self._raw = raw

    @property
    def only_current(self):
        """Whether none is of the formats before magic 2, which brokers up to 3.x may still hold."""
        cdef const unsigned char *at = <const unsigned char *>PyBytes_AS_STRING(self._raw)
        cdef Py_ssize_t position = 0
        cdef Py_ssize_t size = self._whole(0)
        while size >= LENGTH_END + SHORTEST_LENGTH:
            if at[position + MAGIC_AT] < 2:
                return False
            position += size
            size = self._whole(position)
        return True

    def __iter__(self):
        return self

    def __next__(self):
        cdef const unsigned char *at
        cdef RecordBatch batch
        cdef Py_ssize_t size = self._whole(self._position)
        if size == NONE_LEFT:
            raise StopIteration
        if size < RECORDS_AT:
            raise CorruptRecordException(f"a record batch of {size} bytes, its header alone has {RECORDS_AT}")
        at = <const unsigned char *>PyBytes_AS_STRING(self._raw) + self._position
        batch = RecordBatch.__new__(RecordBatch)
        batch._raw, batch._at = self._raw, at
        batch._start, batch._size = self._position, size
        batch.base_offset = _big_endian(at, 8)
        batch._attributes = <int>_big_endian(at + ATTRIBUTES_AT, 2)
        batch.producer_id = _big_endian(at + PRODUCER_ID_AT, 8)
        self._position += size
        return batch

    cdef Py_ssize_t _whole(self, Py_ssize_t position):
        """Bytes that the batch there claims to have; NONE_LEFT where no whole one is left."""
        cdef const unsigned char *at = <const unsigned char *>PyBytes_AS_STRING(self._raw) + position
        cdef Py_ssize_t left = PyBytes_GET_SIZE(self._raw) - position
        cdef Py_ssize_t size
        if left < LENGTH_END:
            return NONE_LEFT
        size = LENGTH_END + <Py_ssize_t>_big_endian(at + LENGTH_AT, 4)
        return NONE_LEFT if size > left else max(0, size)
