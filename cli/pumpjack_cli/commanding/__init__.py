"""What `pumpjack command` needs: what is meant, and how a command is followed to its end."""
