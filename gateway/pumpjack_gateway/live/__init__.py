"""The live feed: from one Redis subscription to many WebSockets."""
