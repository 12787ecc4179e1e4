"""Laws of pull back-off, pull decisions and the pull rate."""

from hypothesis import given
from hypothesis import strategies as st

from staticlet.pods.images import policy, throttle
from staticlet.runtime import port

FAILURES = st.integers(min_value=1, max_value=10_000)
TIMES = st.floats(min_value=0, max_value=1e9)
POLICIES = st.sampled_from(["Always", "IfNotPresent", "Never"])
RECORDS = st.builds(
    policy.PullRecord,
    failures=FAILURES,
    failed_at=TIMES,
    reason=st.just("ErrImagePull"),
    message=st.just("x"),
)
IMAGES = st.one_of(st.none(), st.just(port.Image(id="i")))


@given(FAILURES)
def test_back_off_never_shrinks_with_failures_and_stays_in_its_bounds(failures):
    this, following = policy.back_off_s(failures), policy.back_off_s(failures + 1)
    assert 10 <= this <= following <= 300
    assert following in (2 * this, 300)


@given(POLICIES, IMAGES, st.one_of(st.none(), RECORDS), TIMES)
def test_a_decision_never_names_a_time_that_has_passed(wanted, present, record, now):
    match policy.decide("x", wanted, present, record, now):
        case policy.BackOff(until=until, look_at=look_at):
            assert now < look_at <= until
        case policy.Refused(look_at=look_at):
            assert look_at > now


@given(IMAGES, st.one_of(st.none(), RECORDS), TIMES)
def test_never_means_never_pulled(present, record, now):
    decision = policy.decide("x", "Never", present, record, now)
    assert not isinstance(decision, policy.Pull | policy.BackOff)


@given(IMAGES, st.one_of(st.none(), RECORDS), TIMES)
def test_always_is_never_satisfied_by_what_is_there(present, record, now):
    assert not isinstance(policy.decide("x", "Always", present, record, now), policy.Ready)


@given(st.one_of(st.none(), RECORDS), TIMES)
def test_a_pull_is_possible_when_its_back_off_has_passed(record, now):
    decision = policy.decide("x", "IfNotPresent", None, record, now)
    if isinstance(decision, policy.BackOff):
        later = policy.decide("x", "IfNotPresent", None, record, decision.until)
        assert isinstance(later, policy.Pull)


@given(
    st.floats(min_value=0.1, max_value=100),
    st.integers(min_value=1, max_value=20),
    st.lists(st.floats(min_value=0, max_value=5), max_size=60),
)
def test_a_bucket_never_lets_more_through_than_burst_and_rate_allow(rate, burst, gaps):
    now = 0.0
    bucket = throttle.full(rate, burst, now)
    begun = []
    for gap in gaps:
        now += gap
        bucket, wait_s = throttle.take(bucket, now)
        begun.append(now + wait_s)
    assert begun == sorted(begun)
    for first, start in enumerate(begun):
        for last in range(first, len(begun)):
            allowed = burst + rate * (begun[last] - start) + 1e-6
            assert last - first + 1 <= allowed + 1
