"""The patches of Kubernetes, as pure functions: object and patch in, object out."""
