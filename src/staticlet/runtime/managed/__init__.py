"""A containerd of our own: what it needs, its configuration, network, images and supervision."""
