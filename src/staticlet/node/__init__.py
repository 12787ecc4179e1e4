"""The agent as a node of an API server: registration, heartbeats, mirror pods, status, events."""
