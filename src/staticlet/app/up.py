"""Wiring of `staticlet up`: a containerd of our own, and the agent on it."""
