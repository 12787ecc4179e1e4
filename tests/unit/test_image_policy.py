"""When an image is used, pulled or waited for, and how often pulls begin."""

import pytest

from staticlet.pods.images import policy, throttle, words
from staticlet.runtime import port

IMAGE = port.Image(id="sha256:1")


def record(failures=1, at=100.0):
    return policy.PullRecord(
        failures=failures, failed_at=at, reason="ErrImagePull", message="registry said no"
    )


def test_a_present_image_is_ready_unless_each_start_pulls():
    assert policy.decide("x", "IfNotPresent", IMAGE, None, 0) == policy.Ready(image=IMAGE)
    assert policy.decide("x", "Never", IMAGE, None, 0) == policy.Ready(image=IMAGE)
    assert policy.decide("x", "Always", IMAGE, None, 0) == policy.Pull()


def test_an_absent_image_is_pulled_unless_it_never_may():
    assert policy.decide("x", "IfNotPresent", None, None, 0) == policy.Pull()
    assert policy.decide("x", "Always", None, None, 0) == policy.Pull()
    refused = policy.decide("x", "Never", None, None, 0)
    assert refused == policy.Refused(
        look_at=20.0,
        reason="ErrImageNeverPull",
        message='Container image "x" is not present with pull policy of Never',
    )


def test_a_failed_pull_waits_and_says_why():
    assert policy.decide("x:1", "Always", None, record(), 101) == policy.BackOff(
        until=110.0,
        look_at=110.0,
        reason="ImagePullBackOff",
        message='Back-off pulling image "x:1": ErrImagePull: registry said no',
    )
    assert policy.decide("x:1", "Always", None, record(), 110) == policy.Pull()


def test_an_image_that_turns_up_during_the_back_off_ends_it():
    assert policy.decide("x", "IfNotPresent", IMAGE, record(), 101) == policy.Ready(image=IMAGE)


def test_an_absent_image_is_looked_for_before_a_long_back_off_ends():
    decision = policy.decide("x", "IfNotPresent", None, record(failures=6), 101)
    assert (decision.until, decision.look_at) == (400.0, 121.0)


def test_back_off_doubles_from_ten_seconds_to_five_minutes():
    assert [policy.back_off_s(n) for n in range(1, 8)] == [10, 20, 40, 80, 160, 300, 300]


def test_failures_in_a_row_are_counted_until_ten_quiet_minutes():
    first = policy.failed(None, 0.0, reason="r", message="m")
    second = policy.failed(first, 600.0, reason="r", message="m")
    third = policy.failed(second, 1200.5, reason="r", message="m")
    assert [each.failures for each in (first, second, third)] == [1, 2, 1]


def test_a_burst_begins_at_once_and_the_rest_at_the_rate():
    bucket = throttle.full(5.0, 2, 0.0)
    waits = []
    for _ in range(4):
        bucket, wait_s = throttle.take(bucket, 0.0)
        waits.append(wait_s)
    assert waits == pytest.approx([0, 0, 0.2, 0.4])
    assert throttle.take(bucket, 10.0)[1] == 0


def test_no_rate_means_no_limit():
    bucket = throttle.full(0.0, 0, 0.0)
    assert all(throttle.take(bucket, 0.0)[1] == 0 for _ in range(100))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0004, "0s"),
        (0.3456, "345ms"),
        (1, "1s"),
        (1.5004, "1.5s"),
        (62.25, "1m2.25s"),
        (3600, "1h0m0s"),
    ],
)
def test_a_duration_reads_as_go_prints_it(seconds, text):
    assert words.duration(seconds) == text


def test_the_event_of_a_pull_says_how_long_and_how_large():
    assert words.pulled("x", pull_s=1.2, whole_s=3, size_bytes=42) == (
        'Successfully pulled image "x" in 1.2s (3s including waiting). Image size: 42 bytes.'
    )
