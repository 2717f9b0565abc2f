"""How classes lie in a representation."""
