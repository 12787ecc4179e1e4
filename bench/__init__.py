"""Measurements: the agent beside the bare calls that its work is made of, and beside a kubelet.

`python -m bench` (as root) starts a containerd of its own. Everything is seen from outside: a
moment is the time at which containerd reported an event, so all contestants have one clock, and
samples alternate between them, so that noise of the machine meets all alike.
"""
