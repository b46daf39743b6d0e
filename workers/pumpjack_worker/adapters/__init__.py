"""One folder a protocol, each with the same files: adapter, address, simulator, README."""
