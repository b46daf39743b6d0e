"""Manifests: the typed forms of the CRDs, loading, validation and the resolution of tags."""
