"""How a code holds known factors of variation: disentanglement."""
