"""Engines: train the runs of one cohort and hand back each as it finishes."""
