"""Alarm conditions: batches of readings in, transitions out (docs/alarms.md, design section 7)."""
