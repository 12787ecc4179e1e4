"""Whether a node suits a pod, as kube-scheduler's filters decide and word it. Pure."""
