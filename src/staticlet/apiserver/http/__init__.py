"""The API over HTTP: paths, negotiation, rendering, streams; it decides nothing about objects."""
