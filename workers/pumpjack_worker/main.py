"""Run one worker."""
