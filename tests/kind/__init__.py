"""Tests of the whole system on a local cluster: `make test-kind`."""
