"""A containerd of our own: configuration, start, supervision."""
