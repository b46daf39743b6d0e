"""The `pumpjack` command."""


def main() -> None:
    """Run the command line."""
