"""OPC UA: subscriptions to the nodes of one server; see README.md."""
