"""The race: three metrics of a helpdesk in deskpulse and in the stream engines that would be used instead.

``python -m bench.peers`` runs all of them on one broker and one set of events, in rounds, and checks every result
against a batch computation. ``jobs/`` and ``kafka_streams/`` hold the job in each engine.
"""
