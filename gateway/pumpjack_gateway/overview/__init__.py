"""All wells of a tenant at a glance."""
