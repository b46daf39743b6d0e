"""The operator: custom resources to workers."""
