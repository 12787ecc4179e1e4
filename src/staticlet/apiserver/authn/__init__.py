"""Who makes a request."""
