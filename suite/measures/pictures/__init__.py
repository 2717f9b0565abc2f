"""Pictures of runs, kept as arrays."""
