"""Finished runs for other programs: Keras files with a card, and what trackers show."""
