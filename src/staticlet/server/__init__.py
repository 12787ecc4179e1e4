"""The agent's own socket: what it answers to the command line."""
