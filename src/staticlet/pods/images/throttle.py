"""A token bucket: how often something may begin (`registryPullQPS`, `registryBurst`).

The kubelet fails a pull that finds the bucket empty ("pull QPS exceeded") and backs it off for ten
seconds. Here the pull waits for its token instead: nobody is served by that failure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Tokens at one moment; fewer than none means that some are promised already.

    Attributes:
        rate: Tokens a second; 0 or less means no limit.
        burst: The most that can be saved.
        tokens: How many there are.
        at: When, in monotonic seconds.
    """

    rate: float
    burst: int
    tokens: float
    at: float


def full(rate: float, burst: int, now: float) -> Bucket:
    """A bucket with all its tokens."""
    return Bucket(rate=rate, burst=max(burst, 1), tokens=max(burst, 1), at=now)


def take(bucket: Bucket, now: float) -> tuple[Bucket, float]:
    """Take or promise one token: the bucket after it, and the seconds to wait for the token."""
    if bucket.rate <= 0:
        return bucket, 0.0
    grown = bucket.tokens + max(now - bucket.at, 0.0) * bucket.rate
    tokens = min(grown, float(bucket.burst)) - 1.0
    wait_s = max(-tokens / bucket.rate, 0.0)
    return replace(bucket, tokens=tokens, at=max(now, bucket.at)), wait_s
