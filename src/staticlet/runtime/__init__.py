"""The container runtime: the port that pods use, and the adapters behind it."""
