"""How fast a model's operations run on this device, and what they need."""
