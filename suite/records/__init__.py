"""What runs leave behind, and what decides them: specs, records, kept arrays and the store. Imports no Keras."""
