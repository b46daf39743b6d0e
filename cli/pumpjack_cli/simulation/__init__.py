"""Simulated devices of several protocols in one process."""
