"""Kubernetes objects and rules as pure functions: no input, no output, no clock."""
