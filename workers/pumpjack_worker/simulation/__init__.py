"""Simulated wells and what every simulator shares, for demonstrations and tests; no protocol."""
