"""What `pumpjack test-connection` does: one session with a device, looked at step by step."""
