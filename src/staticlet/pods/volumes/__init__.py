"""Volumes of a pod: which are wanted (pure), and how each kind is made on this machine."""
