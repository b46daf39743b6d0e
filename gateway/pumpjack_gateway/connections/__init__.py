"""How the connections of a tenant are and were."""
