"""`pumpjack browse`."""

EXAMPLE = "pumpjack browse x"


def browse() -> None:
    """To do."""
