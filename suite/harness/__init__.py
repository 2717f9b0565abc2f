"""Trains, measures and times what a study still lacks, and keeps it."""
