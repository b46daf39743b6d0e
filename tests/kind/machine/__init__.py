"""A kind cluster on a machine that has no Docker, or reaches no image registry.

    python -m tests.kind.machine prepare      make what is missing, and say how to use it

deploy/kind/up.sh calls it; with Docker and a registry nothing here is used.
"""
