"""Siemens S7 controllers."""
