"""Commands: what a person asks a device to do, from the request to the truth about it."""
