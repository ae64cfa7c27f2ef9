"""The demo: a broker, a worker and believable traffic, in one command."""
