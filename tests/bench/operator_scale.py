"""The operator before a real API server: how long, how much memory, how many writes.

    python -m tests.bench.operator_scale            500 connections, then 2,000, of 50 tags each
    python -m tests.bench.operator_scale --connections 500

API server, etcd, operator and this program share the machine. For each size:

applied_s           from the first apply until all children are there and every status is written
rss_mb, idle_...    the operator's resident memory then, and its CPU while nothing happens
mapping_change_...  from the apply of one mapping that selects 500 connections until the last of
                    their ConfigMaps has changed, and the operator's CPU for it
workers_...         every connection has a pod that runs; all pods answer at one address, as one
                    worker does: CPU of the operator, how often it asked, how many statuses it wrote
restart_...         another operator starts, as after an upgrade, and nothing has changed
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from tests.bench.many_workers import endpoint, run_pods
from tests.bench.processes import cpu_s, rss_mb
from tests.controlplane.server import TOKEN, ControlPlane
from tests.operator.cluster import Namespace, connection, control_plane, mapping, new_namespace
from tests.operator.program import Replica, replica

SIZES = (500, 2_000)
GROUP = 500
"""Connections that one mapping selects."""
LIMIT_S = 900.0
STOP_S = 30.0
LATE_S = 6.0
"""Status that had to wait its turn is written by then."""
KINDS = ("configmaps", "statefulsets", "networkpolicies", "services", "serviceaccounts",
         "persistentvolumeclaims", "scadaconnections", "tagmappings")  # fmt: skip
METADATA = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
EVENTS = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}


def metric(one: Replica, name: str) -> float:
    """Sum of a metric over its labels, -1 while nobody answers."""
    check(one)
    try:
        lines = one.get("/metrics").text.splitlines()
    except httpx.TransportError:
        return -1.0
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def check(one: Replica) -> bool:
    """End where the operator has ended: what is then measured is not it."""
    if one.process.poll() is not None:
        last = one.log.read_text().rstrip().rpartition("\n")[2]
        raise SystemExit(f"the operator has ended: {last}")
    return True


def is_steady(one: Replica) -> bool:
    """It acts, and has looked at everything."""
    return metric(one, "pumpjack_operator_leader") == 1.0 and one.is_ready()


def is_through(one: Replica) -> bool:
    """Nothing waits for a look."""
    return metric(one, "pumpjack_operator_queue_depth") == 0.0


@contextmanager
def operating(plane: ControlPlane, folder: Path, namespace: str) -> Iterator[Replica]:
    """An operator that is told to end at the end."""
    login = plane.kubeconfig(TOKEN, folder)
    with replica(folder, namespace=namespace, login=login) as one:
        yield one
        check(one)
        one.process.send_signal(signal.SIGTERM)
        one.process.wait(STOP_S)


def count(wells: Namespace, plural: str) -> int:
    """How many objects there are, at the price of one."""
    page = wells.client.get(wells.path(plural), params={"limit": 1}, headers=METADATA).json()
    return len(page["items"] or ()) + page["metadata"].get("remainingItemCount", 0)


def versions(wells: Namespace) -> dict[str, str]:
    """Resource version of everything."""
    found = {}
    for plural in KINDS:
        for item in wells.client.get(wells.path(plural), headers=METADATA).json()["items"]:
            about = item["metadata"]
            found[f"{plural}/{about['name']}"] = about["resourceVersion"]
    return found


def until(is_so: Callable[[], bool], every_s: float = 0.2) -> float:
    """Wait; returns how long it took [s]. Asking seldom leaves the machine to what is measured."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > LIMIT_S:
            raise SystemExit(f"not within {LIMIT_S:.0f} s")
        time.sleep(every_s)
    return time.monotonic() - began


def names(connections: int) -> list[str]:
    return [f"c{number}" for number in range(connections)]


def apply_all(wells: Namespace, connections: int, tags: int) -> None:
    """As a GitOps pipeline does it: all at once."""
    manifests = [
        ("tagmappings", mapping(f"m{group}", to={"group": str(group)}, tags=tags))
        for group in range((connections + GROUP - 1) // GROUP)
    ]
    for number, name in enumerate(names(connections)):
        host = f"10.1.{number // 250}.{number % 250}"
        spec = {"protocol": "modbus-tcp", "modbusTcp": {"host": host}}
        labels = {"group": str(number // GROUP)}
        manifests.append(("scadaconnections", connection(name, labels, spec)))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: wells.apply(*one), manifests))


def all_have_status(wells: Namespace) -> bool:
    items = wells.client.get(wells.path("scadaconnections")).json()["items"]
    return all((one.get("status") or {}).get("mappedTags") for one in items)


def wait_for_all(wells: Namespace, one: Replica, connections: int) -> None:
    for is_so in (
        lambda: count(wells, "statefulsets") == connections,
        lambda: count(wells, "configmaps") >= 2 * connections,
        lambda: all_have_status(wells),
    ):
        until(lambda is_so=is_so: check(one) and is_so(), 1.0)


def mapping_change(wells: Namespace, selected: int, tags: int) -> float:
    """From the apply until every connection that it selects was told, by a watch [s]."""
    page = wells.client.get(wells.path("configmaps"), params={"limit": 1}, headers=METADATA).json()
    params = {
        "watch": "true",
        "resourceVersion": page["metadata"]["resourceVersion"],
        "timeoutSeconds": str(int(LIMIT_S)),
    }
    told: set[str] = set()
    with wells.client.stream(
        "GET", wells.path("configmaps"), params=params, headers=EVENTS, timeout=LIMIT_S
    ) as changes:
        began = time.monotonic()
        wells.apply("tagmappings", mapping("m0", to={"group": "0"}, tags=tags + 1))
        for line in changes.iter_lines():
            told.add(msgspec.json.decode(line)["object"]["metadata"]["name"])
            if len(told) == 2 * selected:
                return time.monotonic() - began
    raise SystemExit(f"only {len(told)} of {2 * selected} ConfigMaps have changed")


def measured(one: Replica, for_s: float, what: Callable[[], float]) -> tuple[float, float]:
    """CPU of the operator [percent of a core], and by how much something grew."""
    cpu, before = cpu_s(one.process.pid), what()
    time.sleep(for_s)
    return 100 * (cpu_s(one.process.pid) - cpu) / for_s, what() - before


def first_operator(
    wells: Namespace, one: Replica, connections: int, tags: int, idle_s: float
) -> Iterator[tuple[str, float]]:
    """Everything but the restart."""
    pid = one.process.pid

    def writes() -> float:
        return metric(one, "pumpjack_operator_status_writes_total")

    until(lambda: is_steady(one))
    yield "empty_rss_mb", rss_mb(pid)
    began, cpu = time.monotonic(), cpu_s(pid)
    apply_all(wells, connections, tags)
    yield "applying_s", time.monotonic() - began
    wait_for_all(wells, one, connections)
    yield "applied_s", time.monotonic() - began
    until(lambda: is_through(one))
    yield "operator_cpu_s", cpu_s(pid) - cpu
    time.sleep(LATE_S)
    yield "rss_mb", rss_mb(pid)
    yield "idle_cpu_percent", measured(one, idle_s, writes)[0]
    cpu = cpu_s(pid)
    yield "mapping_change_s", mapping_change(wells, min(connections, GROUP), tags)
    yield "mapping_change_cpu_s", cpu_s(pid) - cpu
    with endpoint() as asked:
        yield "workers_pods_made_s", run_pods(wells, names(connections))
        answering = "pumpjack_operator_workers_answering"
        until(lambda: metric(one, answering) == connections)
        time.sleep(2 * LATE_S)
        times = asked()
        percent, wrote = measured(one, idle_s, writes)
        yield "workers_cpu_percent", percent
        yield "workers_asked_per_s", (asked() - times) / idle_s
        yield "workers_status_writes", wrote
    yield "after_rss_mb", rss_mb(pid)


def run(connections: int, tags: int, idle_s: float) -> Iterator[tuple[str, float]]:
    """All steps; yields each figure as soon as it is known."""
    yield "connections", connections
    yield "tags", tags
    yield "load_before", load()
    with tempfile.TemporaryDirectory() as name, control_plane(Path(name)) as plane:
        folder = Path(name)
        wells = new_namespace(plane.client)
        wells.client.timeout = httpx.Timeout(60)
        with operating(plane, folder, wells.name) as one:
            yield from first_operator(wells, one, connections, tags, idle_s)
        wells.client.request("DELETE", wells.path("pods"), json={"gracePeriodSeconds": 0})
        with operating(plane, folder, wells.name) as one:  # that the pods went is written once
            until(lambda: is_steady(one))
            time.sleep(2 * LATE_S)
        before = versions(wells)
        began = time.monotonic()
        with operating(plane, folder, wells.name) as one:
            until(lambda: is_steady(one))
            yield "restart_s", time.monotonic() - began
            yield "restart_cpu_s", cpu_s(one.process.pid)
            yield "restart_rss_mb", rss_mb(one.process.pid)
            time.sleep(LATE_S)
        after = versions(wells)
        yield "restart_writes", sum(after[key] != before.get(key) for key in after)


def load() -> float:
    """Processes that want a core, over the last minute: what others do on this machine."""
    return os.getloadavg()[0]


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--connections", type=int, nargs="+", default=SIZES)
    parser.add_argument("--tags", type=int, default=50, help="of each connection, at most 499")
    parser.add_argument("--idle", type=float, default=20.0, help="how long to look at it idle [s]")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args()
    for connections in options.connections:
        found = {}
        for key, value in run(connections, options.tags, options.idle):
            found[key] = round(value, 2)
            if options.output == "text":
                print(f"{value:12,.2f}  {key}", flush=True)
        if options.output == "json":
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
