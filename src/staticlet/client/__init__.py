"""The client of an API server: one code path for the embedded one and for any kube-apiserver."""
