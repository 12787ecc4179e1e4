"""The embedded API server beside a kube-apiserver with etcd: same requests, same clients."""
