"""`pumpjack watch`: model (pure), client (the WebSocket) and screen (the terminal)."""
