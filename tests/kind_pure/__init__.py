"""What tests/kind/machine decides without a cluster: collected by `make test`."""
