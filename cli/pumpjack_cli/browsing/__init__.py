"""What `pumpjack browse` does: from what a device has to a TagMapping that a person edits."""
