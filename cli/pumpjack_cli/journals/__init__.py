"""Journals that a worker left behind: looked at, and emptied into the database."""
