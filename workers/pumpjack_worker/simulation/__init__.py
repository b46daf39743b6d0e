"""Simulated wells, for demonstrations and tests; no protocol."""
