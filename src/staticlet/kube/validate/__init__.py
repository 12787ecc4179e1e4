"""What an API server refuses in a Pod, one module a subject.

`pod.check` is what `ValidatePodCreate` is in Kubernetes 1.36; `static.check` is what may not stand
in a pod that no API server hands out. Every other module checks one part and takes what it needs
of the rest as arguments. All are pure, take plain data and yield `finding.FieldError`s.

Fields that defaulting always fills (a port's protocol, a probe's thresholds, the namespace) are
not demanded here: when one is missing, its default is meant.
"""
