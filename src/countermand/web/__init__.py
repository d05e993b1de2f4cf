"""What the network sees: hook endpoints, the HTTP API and the console."""
