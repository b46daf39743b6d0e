"""Commands: claimed from the database, written to the device, read back, told."""
