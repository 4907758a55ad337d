"""The command line: one file per group of commands, each a thin skin over the Python API."""
