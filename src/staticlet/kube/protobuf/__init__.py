"""Objects in Kubernetes' protobuf form, as kubectl's typed commands send them; only read.

`kubectl create namespace`, `create token`, `auth can-i`, and the evictions of `kubectl drain` send
their bodies so and know no other way. Nothing is ever answered so: every client takes JSON.
"""
