"""The embedded API server: the part of the Kubernetes API that one machine needs."""
