"""How a ticket stands, from the slots of its row."""


cdef object standing(object row)
