"""Customers, subscriptions, purchases and leads: their state machines."""
