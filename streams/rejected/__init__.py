"""The topic of rejected events, read for people, and its records sent again."""
