"""A Kubernetes node agent for static pods and mirror pods."""

__version__ = "0.1.0"
