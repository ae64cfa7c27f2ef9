"""Live state against a replay of its source: row by row, reading only."""
