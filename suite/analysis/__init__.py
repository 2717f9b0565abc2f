"""What finished runs say: configurations, differences, choices, answers to questions, speeds. Imports no Keras."""
