"""What every part of Pumpjack shares: readings, manifests, tag tables, wire formats, storage."""
