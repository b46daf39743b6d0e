"""The gateway: REST, WebSocket and token checks for every tenant."""
