"""The `pumpjack` command: one file a subcommand."""
