"""Runs the operator: `python -m pumpjack_operator`.

Several replicas may run; the one that holds the Lease acts. One that cannot keep it ends at once,
and Kubernetes starts it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

from pumpjack_core import log
from pumpjack_core.clock import SystemClock
from pumpjack_core.errors import PumpjackError, leaves
from pumpjack_operator import platform, stores
from pumpjack_operator.api import Api
from pumpjack_operator.controller import Controller
from pumpjack_operator.kube_objects import KubeObjects
from pumpjack_operator.kubeconfig import from_kubeconfig
from pumpjack_operator.lease import Lease
from pumpjack_operator.login import Login, in_cluster
from pumpjack_operator.metrics import Metrics
from pumpjack_operator.namespaces import Namespaces
from pumpjack_operator.platform import Platform
from pumpjack_operator.redis_users import RedisUsers
from pumpjack_operator.settings import Settings, read
from pumpjack_operator.status_server import StatusServer
from pumpjack_operator.tenancy import NoLogins
from pumpjack_operator.tenants import Tenants

_log = log.get_logger("operator")


def main() -> None:
    """Run until SIGTERM or SIGINT; exit 0 then."""
    code = 1
    try:
        settings = read()
        log.configure(level=settings.log_level)
        with contextlib.suppress(ImportError):
            import uvloop

            uvloop.install()
        asyncio.run(run(settings))
        code = 0
    except* PumpjackError as group:
        for sentence in dict.fromkeys(str(error) for error in leaves(group)):
            print(f"error: {log.redact(sentence)}", file=sys.stderr)
    sys.exit(code)


async def run(settings: Settings) -> None:
    """Run one replica until it is told to stop. Raises PumpjackError when it cannot go on."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    rules = platform.read(settings.platform_file)
    metrics = Metrics()
    ready = asyncio.Event()
    async with (
        Api(_login(settings)) as api,
        StatusServer(settings.status_address, metrics.registry, ready.is_set),
    ):
        lease = Lease(api, SystemClock(), settings.namespace, settings.pod_name)
        acting = asyncio.create_task(
            _act(api, lease, rules=rules, settings=settings, metrics=metrics, ready=ready)
        )
        stop = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({acting, stop}, return_when="FIRST_COMPLETED")
            if acting.done():
                acting.result()
        finally:
            stop.cancel()
            acting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await acting
        await lease.release()


async def _act(
    api: Api,
    lease: Lease,
    *,
    rules: Platform,
    settings: Settings,
    metrics: Metrics,
    ready: asyncio.Event,
) -> None:
    """Act for as long as the Lease is held."""
    ready.set()  # a replica that waits for its turn is as it should be
    await lease.acquire()
    ready.clear()
    metrics.leader.set(1)
    objects = KubeObjects(api)
    owners = Namespaces(objects, settings.namespace, fallback=rules.tenant_by_name)

    def look(namespace: str) -> None:
        controller.look_at_namespace(namespace)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(lease.keep())
        tenants: Tenants | NoLogins = NoLogins()
        if "PUMPJACK_DATABASE_URL" in os.environ:
            where = stores.read(os.environ)
            tenants = Tenants(
                objects,
                where,
                RedisUsers(where.redis_urls),
                own_namespace=settings.namespace,
                secret_name=rules.stores_secret,
                changed=look,
            )
            tasks.create_task(tenants.run())
        else:
            _log.warning("PUMPJACK_DATABASE_URL is not set; the platform makes the stores' Secret")
        controller = Controller(
            api, rules, owners=owners, tenants=tenants, metrics=metrics, ready=ready
        )
        await controller.run()


def _login(settings: Settings) -> Login:
    if settings.kubeconfig is not None:
        return from_kubeconfig(settings.kubeconfig)
    return in_cluster()
