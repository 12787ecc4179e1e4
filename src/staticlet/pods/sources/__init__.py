"""Where wanted pods come from: a directory, a file, a URL."""
