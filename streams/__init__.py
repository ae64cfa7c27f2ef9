"""Everything that moves events in and numbers out: Kafka, files, HTTP, the terminal."""
