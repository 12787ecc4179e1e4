"""Objects in Kubernetes' protobuf form, as agents, Go clients and kubectl send them: only read.

All kinds that the server keeps or answers are read. Nothing is ever answered so: every client
takes JSON.
"""
