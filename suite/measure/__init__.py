"""Measures: a trained model's weights and the test split in, numbers out; the same for every variant."""
