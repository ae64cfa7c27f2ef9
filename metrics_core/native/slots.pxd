"""Fields of msgspec structs by their place in memory, as CPython's own member descriptors give it: reading one is
one load instead of a look-up of an attribute."""

from cpython.object cimport PyObject


cdef extern from *:
    """
    #include <structmember.h>

    /* Where a slot of a type lies; -1 with an exception set where the name is no plain slot. */
    static Py_ssize_t slot_offset(PyObject *type, PyObject *name)
    {
        Py_ssize_t offset = -1;
        PyObject *member = PyObject_GetAttr(type, name);
        if (member == NULL)
            return -1;
        if (Py_TYPE(member) == &PyMemberDescr_Type
            && ((PyMemberDescrObject *)member)->d_member->type == T_OBJECT_EX)
            offset = ((PyMemberDescrObject *)member)->d_member->offset;
        else
            PyErr_Format(PyExc_TypeError, "%R is no plain slot", name);
        Py_DECREF(member);
        return offset;
    }

    /* A borrowed reference; never NULL for a field of a struct that was made whole. */
    #define slot_get(object, offset) (*(PyObject **)((char *)(object) + (offset)))

    static inline void slot_set(PyObject *object, Py_ssize_t offset, PyObject *value)
    {
        PyObject **slot = (PyObject **)((char *)object + offset);
        PyObject *old = *slot;
        Py_INCREF(value);
        *slot = value;
        Py_XDECREF(old);
    }

    static inline long long slot_number(PyObject *object, Py_ssize_t offset)
    {
        return PyLong_AsLongLong(slot_get(object, offset));
    }

    static inline int slot_set_number(PyObject *object, Py_ssize_t offset, long long number)
    {
        PyObject *value = PyLong_FromLongLong(number);
        if (value == NULL)
            return -1;
        PyObject **slot = (PyObject **)((char *)object + offset);
        PyObject *old = *slot;
        *slot = value;
        Py_XDECREF(old);
        return 0;
    }
    """
    Py_ssize_t slot_offset(object type, object name) except -1
    PyObject *slot_get(object struct, Py_ssize_t offset)
    void slot_set(object struct, Py_ssize_t offset, object value)
    long long slot_number(object struct, Py_ssize_t offset) except? -1
    int slot_set_number(object struct, Py_ssize_t offset, long long number) except -1
