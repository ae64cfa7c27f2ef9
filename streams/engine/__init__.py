"""The engine: keyed state over Kafka, checkpointed in transactions, exact over crashes and rebalances."""
