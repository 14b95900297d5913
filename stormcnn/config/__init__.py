"""The config: its blocks, their checks and messages, and the run dates of the archive."""
