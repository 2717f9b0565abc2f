"""The command line: commands, progress on a terminal, tables in text."""
