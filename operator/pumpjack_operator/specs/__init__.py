"""Values in, manifests out: one file a kind, no I/O."""
