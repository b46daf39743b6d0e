"""One machine as a platform: what Kubernetes does in a cluster, for `pumpjack up` and `demo`."""
