"""The worker: one connection's way from the device to the database and the live feed."""
