"""Protocol codecs: the CRI's messages and log lines. Pure."""
