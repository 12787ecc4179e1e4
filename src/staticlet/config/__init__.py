"""The settings of the agent, and where each came from."""
