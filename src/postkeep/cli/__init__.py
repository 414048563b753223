"""The command line: it asks the library, and turns answers into text, tables, JSON and exit codes."""
