"""What an API server refuses in a Pod, one module a subject."""
