# cython: cdivision=True
"""Event time: what parse_rfc3339 of times.py gives, of the forms that nearly every producer writes."""


cdef extern from *:
    """
    static const int scan_days_before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    static const int scan_days_of[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    """
    const int scan_days_before[12]
    const int scan_days_of[12]


cdef enum:
    # years that lie wholly between EARLIEST_US and LATEST_US of times.py, but for the first day
    FIRST_YEAR = 1970
    LAST_YEAR = 2199
    EARLIEST_DAY = 1


cdef inline int two_digits(const char *at) noexcept nogil:
    """0 to 99; where one is no digit far more, beyond every limit also when hundreds or tens are added."""
    cdef unsigned int tens = <unsigned int>(<unsigned char>at[0]) - c"0"
    cdef unsigned int ones = <unsigned int>(<unsigned char>at[1]) - c"0"
    return <int>(10 * tens + ones) if tens <= 9 and ones <= 9 else 100000


cdef inline const char *fraction(const char *at, const char *end, int *fraction_us) noexcept nogil:
    """After the digits that follow the point: those beyond microseconds are cut."""
    cdef const char *digits = at
    cdef int place_us = 100000
    fraction_us[0] = 0
    while at < end and c"0" <= at[0] <= c"9":
        fraction_us[0] += place_us * (at[0] - c"0")
        place_us //= 10
        at += 1
    return at if at > digits else NULL


cdef inline int offset(const char *at, const char *end, long long *offset_s) noexcept nogil:
    """"Z", or how far the clock is ahead of UTC: "+01:00"."""
    cdef int hours, minutes
    if end - at == 1 and at[0] == c"Z":
        offset_s[0] = 0
        return 1
    if end - at != 6 or (at[0] != c"+" and at[0] != c"-") or at[3] != c":":
        return 0
    hours, minutes = two_digits(at + 1), two_digits(at + 4)
    if hours > 23 or minutes > 59:
        return 0
    offset_s[0] = (60 * hours + minutes) * (60 if at[0] == c"+" else -60)
    return 1


cdef inline int read_time(const char *at, Py_ssize_t size, long long *time_us) noexcept nogil:
    """What parse_rfc3339 gives, of "2026-01-01T00:00:00Z" with or without a fraction, or with an offset."""
    cdef const char *end = at + size
    cdef int year, month, day, hour, minute, second, days, micros = 0
    cdef int leap_day = 0, days_of_month
    cdef long long offset_s = 0
    if size < 20:
        return 0
    if at[4] != c"-" or at[7] != c"-" or at[10] != c"T" or at[13] != c":" or at[16] != c":":
        return 0
    year, month, day = 100 * two_digits(at) + two_digits(at + 2), two_digits(at + 5), two_digits(at + 8)
    hour, minute, second = two_digits(at + 11), two_digits(at + 14), two_digits(at + 17)
    if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12 and hour <= 23 and minute <= 59 and second <= 59):
        return 0
    if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0):
        leap_day = 1
    days_of_month = scan_days_of[month - 1] + (leap_day if month == 2 else 0)
    if not 1 <= day <= days_of_month:
        return 0
    # leap days of the years before, counted from 1970 (Gregorian calendar)
    days = 365 * (year - 1970) + (year - 1969) // 4 - (year - 1901) // 100 + (year - 1601) // 400
    days += scan_days_before[month - 1] + (leap_day if month > 2 else 0) + day - 1
    at += 19
    if at[0] == c".":
        at = fraction(at + 1, end, &micros)
        if not at:
            return 0
    if not offset(at, end, &offset_s):
        return 0
    time_us[0] = (86400 * <long long>days + 3600 * hour + 60 * minute + second - offset_s) * 1000000 + micros
    # an offset reaches less than a day beyond; the last year's end is declined with it
    return days > EARLIEST_DAY and (offset_s >= 0 or year < LAST_YEAR)
