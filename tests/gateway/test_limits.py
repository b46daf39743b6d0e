from __future__ import annotations

from pumpjack_gateway import limits
from pumpjack_gateway.auth import Principal, Role
from pumpjack_gateway.limits import Buckets, Limiter
from tests.gateway.clocks import HandClock


def alone(clock: HandClock, *, rate_per_s: float, burst: float) -> Limiter:
    """A user's bucket, in a tenant with room for all."""
    return Limiter(
        user=Buckets(rate_per_s=rate_per_s, burst=burst, clock=clock),
        tenant=Buckets(rate_per_s=1e9, burst=1e9, clock=clock),
    )


def person(subject: str = "ann", tenant: str = "permian") -> Principal:
    return Principal(tenant, subject, Role.viewer, None, "demo", 0.0)


def test_a_burst_is_served_at_once_and_then_the_rate() -> None:
    clock = HandClock()
    limiter = alone(clock, rate_per_s=2.0, burst=3.0)
    assert [limiter.wait_s(person()) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    clock.forward(0.5)
    assert limiter.wait_s(person()) == 0.0
    assert limiter.wait_s(person()) == 0.5


def test_it_fills_up_to_the_burst_and_no_further() -> None:
    clock = HandClock()
    limiter = alone(clock, rate_per_s=2.0, burst=3.0)
    limiter.wait_s(person())
    clock.forward(3600)
    assert [limiter.wait_s(person()) for _ in range(4)][-1] > 0


def test_a_cost_beyond_the_burst_is_served_when_the_bucket_is_full() -> None:
    clock = HandClock()
    limiter = alone(clock, rate_per_s=1.0, burst=3.0)
    assert limiter.wait_s(person(), cost=10.0) == 0.0
    assert limiter.wait_s(person()) == 8.0


def test_whoever_is_refused_by_the_tenants_bucket_keeps_his_own() -> None:
    clock = HandClock()
    user = Buckets(rate_per_s=1.0, burst=2.0, clock=clock)
    tenant = Buckets(rate_per_s=1.0, burst=1.0, clock=clock)
    limiter = Limiter(user=user, tenant=tenant)
    assert limiter.wait_s(person("ann")) == 0.0
    assert limiter.wait_s(person("joe")) == 1.0
    clock.forward(1.0)
    assert limiter.wait_s(person("joe")) == 0.0
    assert limiter.wait_s(person(tenant="bakken")) == 0.0


def test_no_more_buckets_are_kept_than_there_is_room() -> None:
    import pytest

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "KEYS_MAX", 2)
        buckets = Buckets(rate_per_s=1.0, burst=1.0, clock=HandClock())
        for key in ("a", "b", "c"):
            buckets.take(key)
        assert [buckets.wait_s(key) for key in ("a", "b", "c")] == [0.0, 1.0, 1.0]
