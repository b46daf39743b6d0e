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
from pumpjack_operator.health import Health
from pumpjack_operator.kube_objects import KubeObjects
from pumpjack_operator.kubeconfig import from_kubeconfig
from pumpjack_operator.lease import Lease
from pumpjack_operator.login import Login, in_cluster
from pumpjack_operator.metrics import ApiMetrics, Metrics
from pumpjack_operator.namespaces import Namespaces
from pumpjack_operator.platform import Platform
from pumpjack_operator.redis_users import RedisUsers
from pumpjack_operator.settings import Settings, read
from pumpjack_operator.status_server import StatusServer
from pumpjack_operator.tenancy import NoLogins
from pumpjack_operator.tenants import Tenants

END_S = 10.0
"""How long what acts may take to end; a pod has thirty seconds."""

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
    async with Api(_login(settings)) as api:
        metrics.registry.register(ApiMetrics(api))
        health = Health(api.troubled)
        async with StatusServer(settings.status_address, metrics.registry, health.problem):
            lease = Lease(api, SystemClock(), settings.namespace, settings.pod_name)
            acting = asyncio.create_task(
                _act(api, lease, rules=rules, settings=settings, metrics=metrics, health=health)
            )
            stop = asyncio.create_task(stopping.wait())
            try:
                await asyncio.wait({acting, stop}, return_when="FIRST_COMPLETED")
                if acting.done():
                    acting.result()
            finally:
                stop.cancel()
                if not acting.done():
                    await _end(acting)
                await lease.release()


async def _end(acting: asyncio.Task[None]) -> None:
    """Stop acting. What was under way is cut off; whoever acts next finds it and goes on."""
    acting.cancel()
    _, left = await asyncio.wait({acting}, timeout=END_S)
    if left:
        _log.error(f"a task did not end within {END_S:.0f} s of being told to stop")
        return  # the Lease is given back all the same: this process ends now
    if not acting.cancelled() and (error := acting.exception()) is not None:
        _log.info("ended while it was being stopped", error=str(error))


async def _act(
    api: Api,
    lease: Lease,
    *,
    rules: Platform,
    settings: Settings,
    metrics: Metrics,
    health: Health,
) -> None:
    """Act for as long as the Lease is held."""
    health.steady.set()  # a replica that waits for its turn is as it should be
    await lease.acquire()
    health.steady.clear()
    metrics.leader.set(1)
    objects = KubeObjects(api)
    owners = Namespaces(objects, settings.namespace, fallback=rules.tenant_by_name)

    def look(namespace: str) -> None:
        controller.look_at_namespace(namespace)

    def serves(tenant: str) -> bool:
        return controller.serves(tenant)

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
                serves=serves,
            )
            tasks.create_task(tenants.run())
        else:
            _log.warning("PUMPJACK_DATABASE_URL is not set; the platform makes the stores' Secret")
        controller = Controller(
            api, rules, owners=owners, tenants=tenants, metrics=metrics, ready=health.steady
        )
        await controller.run()


def _login(settings: Settings) -> Login:
    if settings.kubeconfig is not None:
        return from_kubeconfig(settings.kubeconfig)
    return in_cluster()
