"""What `pumpjack alarms` needs: which alarms are meant, and how they are printed."""
