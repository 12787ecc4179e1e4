"""Images of containers: whether one may be used, pulling it, and the words for what went wrong.

`policy`, `words`, `failure`, `throttle` and `view` decide and describe, purely. `credentials`
reads docker's configuration files, `puller` acts, `source` is what pod workers hold. What runs
from an image is not the business of this package.
"""
