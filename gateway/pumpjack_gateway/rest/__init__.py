"""REST: history, latest values, wells, and how the gateway itself is."""
