"""What happens to a batch: validate, journal, write, publish."""
