"""Objects in Kubernetes' protobuf form, as node agents, Go clients and kubectl send them: read only.

All kinds that the server keeps or answers are read. Nothing is ever answered so: every client
takes JSON.
"""
