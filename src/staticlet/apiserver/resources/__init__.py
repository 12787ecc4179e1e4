"""A descriptor a kind: its name, shape, strategy and columns."""
