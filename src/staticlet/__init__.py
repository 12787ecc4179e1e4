"""A Kubernetes node agent for static pods and mirror pods."""
