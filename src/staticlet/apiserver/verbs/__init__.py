"""One verb, one file: what a request does to the store."""
