"""Pods die and are replaced while a radio counts: nothing is lost, nothing is stored twice."""

from __future__ import annotations

import time

from tests.kind.cluster import RELEASE, Cluster, until
from tests.kind.counting import Counting

DATABASE = "statefulset/pumpjack-postgresql"
AWAY_S = 60.0


def test_a_worker_that_is_killed_loses_and_doubles_nothing(
    cluster: Cluster, counting: Counting
) -> None:
    for _ in range(3):
        counting.goes_on()
        cluster.kill(counting.pod)
    counting.goes_on()
    counting.check()


def test_a_worker_whose_pod_is_replaced_goes_on_with_its_journal(
    cluster: Cluster, counting: Counting
) -> None:
    before = counting.uid()
    cluster.kubectl(
        *("-n", "permian-ops", "delete", "pod", counting.pod, "--grace-period=0", "--force")
    )
    until("another pod runs", lambda: counting.uid() != before)
    counting.goes_on()
    counting.check()


def test_a_database_that_is_away_for_a_minute_gets_everything_afterwards(
    cluster: Cluster, counting: Counting
) -> None:
    counting.goes_on()
    cluster.kubectl("-n", RELEASE, "scale", DATABASE, "--replicas=0")
    try:
        sent = len(counting.sent())
        time.sleep(AWAY_S)  # the outage itself
        assert len(counting.sent()) > sent, "the radio sends on"
    finally:
        cluster.kubectl("-n", RELEASE, "scale", DATABASE, "--replicas=1")
    cluster.rolled_out(DATABASE, RELEASE)
    counting.goes_on()
    counting.check()


def test_a_database_that_is_killed_gets_everything_afterwards(
    cluster: Cluster, counting: Counting
) -> None:
    cluster.kill("pumpjack-postgresql-0")
    cluster.rolled_out(DATABASE, RELEASE)
    counting.goes_on()
    counting.check()


def test_the_live_feed_comes_back_after_redis_was_killed(
    cluster: Cluster, counting: Counting
) -> None:
    cluster.kill("pumpjack-valkey-0")
    cluster.rolled_out("statefulset/pumpjack-valkey", RELEASE)
    counting.goes_on()
    counting.check()
    cluster.wait("condition=DataFlowing", f"scadaconnection/{counting.name}", "permian-ops")
