"""The pure core of deskpulse: what events mean and what is counted; no Kafka, clock, file or randomness."""
