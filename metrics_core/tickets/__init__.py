"""Tickets: their state machine, and what is open."""
