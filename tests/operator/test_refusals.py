"""Children that somebody refuses: who and what is said, once, and it is tried until it may be."""

from __future__ import annotations

import asyncio

import pytest

from pumpjack_cli.local.addresses import free_ports
from tests.broker_certificates import BrokerCertificates
from tests.controlplane.webhook import NAME, asked, webhook
from tests.operator.cluster import PLATFORM, answered, eventually, operating, quiet

pytestmark = [pytest.mark.peers, pytest.mark.usefixtures("controlled")]
SETTLES_S = 60.0


def dry_run(wells, plural: str, manifest) -> int:
    """What the API server would answer."""
    path = wells.path(plural)
    return int(wells.client.post(path, json=manifest, params={"dryRun": "All"}).status_code)


SERVICE = {"metadata": {"name": "probe"}, "spec": {"clusterIP": "None", "selector": {"a": "b"}}}
SET = {
    "metadata": {"name": "probe"},
    "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "serviceName": "probe",
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "x", "image": "x"}]},
        },
    },
}
PROBES = {"apps/statefulsets": ("statefulsets", SET), "/services": ("services", SERVICE)}


def not_applied(wells) -> str:
    """The sentence of both conditions, "" when they do not say so."""
    ready, stalled = (wells.condition("pad7", one) for one in ("Ready", "Stalled"))
    if not ready or not stalled or ready["reason"] != "NotApplied":
        return ""
    assert (ready["status"], stalled["status"]) == ("False", "True")
    assert stalled["reason"] == "NotApplied" and stalled["message"] == ready["message"]
    return str(ready["message"])


@pytest.mark.parametrize("code", [400, 403, 404, 409, 429, 503])
async def test_a_webhook_that_refuses_a_child_is_named_and_asked_again(
    operator, wells, tmp_path, code
):
    with webhook(tmp_path) as hook:
        hook.words, hook.code = "images come from registry.example.com alone", code
        with asked(wells.client, wells.name, "apps/statefulsets", hook.port, tmp_path):
            await eventually(lambda: dry_run(wells, *PROBES["apps/statefulsets"]) >= 400)
            wells.connect("pad7")
            said = await eventually(lambda: not_applied(wells))
            assert "StatefulSet scada-pad7" in said and NAME in said and hook.words in said
            await eventually(lambda: hook.refused.count("scada-pad7") > 3)
            assert wells.get("statefulsets", "scada-pad7") is None
            (told,) = await eventually(lambda: wells.events("NotApplied"))
            assert NAME in told
            hook.words = None
            await eventually(lambda: wells.get("statefulsets", "scada-pad7"))
            await eventually(lambda: wells.condition("pad7", "Stalled")["status"] == "False")
            await quiet(operator)
            assert len(wells.events("NotApplied")) == 1


async def test_a_webhook_that_cannot_be_reached_is_named_and_asked_again(operator, wells, tmp_path):
    BrokerCertificates(tmp_path)
    (port,) = free_ports(1)
    with asked(wells.client, wells.name, "/services", port, tmp_path):
        await eventually(lambda: dry_run(wells, *PROBES["/services"]) >= 400)
        wells.connect("pad7")
        said = await eventually(lambda: not_applied(wells))
        assert "Service scada-pad7" in said and NAME in said
        await eventually(lambda: wells.events("NotApplied"))
        assert wells.get("networkpolicies", "scada-pad7")  # what comes before it is there
        assert wells.get("statefulsets", "scada-pad7") is None  # and nothing that comes after
    await eventually(lambda: wells.get("statefulsets", "scada-pad7"), patience_s=SETTLES_S)
    await eventually(lambda: wells.condition("pad7", "Stalled")["status"] == "False")
    assert len(wells.events("NotApplied")) == 1


async def test_a_worker_that_runs_reads_on_while_a_change_of_it_is_refused(plane, wells, tmp_path):
    async with operating(plane) as controller:
        wells.connect("pad7")
        await eventually(lambda: wells.get("pods", "scada-pad7-0"))
        await eventually(lambda: wells.reason("pad7", "Ready"))
        await quiet(controller)
    wells.start_pod("pad7", "127.0.0.1")
    with webhook(tmp_path) as hook:
        hook.words = "no"
        with asked(wells.client, wells.name, "apps/statefulsets", hook.port, tmp_path):
            await eventually(lambda: dry_run(wells, *PROBES["apps/statefulsets"]) >= 400)
            newer = PLATFORM.__class__(image="pumpjack/worker:2", tenants=PLATFORM.tenants)
            async with operating(plane, platform=newer):
                assert "StatefulSet scada-pad7" in await eventually(lambda: not_applied(wells))
                pod = wells.get("pods", "scada-pad7-0")["metadata"]
                assert "deletionTimestamp" not in pod
                hook.words = None
                await eventually(
                    lambda: (
                        wells.get("statefulsets", "scada-pad7")["spec"]["template"]["spec"][
                            "containers"
                        ][0]["image"]
                        == "pumpjack/worker:2"
                    )
                )


async def test_an_operator_that_starts_again_tells_a_refusal_no_second_time(plane, wells, tmp_path):
    with webhook(tmp_path) as hook:
        hook.words = "no"
        with asked(wells.client, wells.name, "apps/statefulsets", hook.port, tmp_path):
            await eventually(lambda: dry_run(wells, *PROBES["apps/statefulsets"]) >= 400)
            wells.connect("pad7")
            async with operating(plane):
                await eventually(lambda: wells.events("NotApplied"))
            before = len(hook.refused)
            async with operating(plane):
                await eventually(lambda: len(hook.refused) > before + 1)
                await asyncio.to_thread(wells.list, "events")
            assert len(wells.events("NotApplied")) == 1


def quota(wells, hard: dict[str, str]) -> None:
    answered(
        wells.client.post(
            wells.path("resourcequotas"),
            json={"metadata": {"name": "few"}, "spec": {"hard": hard}},
        )
    )


def is_counted(wells) -> bool:
    return "used" in wells.get("resourcequotas", "few").get("status", {})


async def test_a_quota_that_refuses_a_child_is_named_until_it_allows_more(operator, wells):
    quota(wells, {"count/statefulsets.apps": "1"})
    await eventually(lambda: is_counted(wells))
    wells.connect("pad7")
    await eventually(lambda: wells.get("statefulsets", "scada-pad7"))
    wells.connect("pad8", modbusTcp={"host": "10.1.7.21"})
    ready = lambda: wells.condition("pad8", "Ready") or {"reason": ""}  # noqa: E731
    await eventually(lambda: ready()["reason"] == "NotApplied")
    assert "StatefulSet scada-pad8" in ready()["message"]
    assert "exceeded quota: few" in ready()["message"]
    (told,) = await eventually(lambda: wells.events("NotApplied"))
    assert "exceeded quota: few" in told
    assert wells.condition("pad7", "Stalled")["status"] == "False"  # the others go on
    wells.patch("resourcequotas", "few", {"spec": {"hard": {"count/statefulsets.apps": "2"}}})
    await eventually(lambda: wells.get("statefulsets", "scada-pad8"), patience_s=SETTLES_S)
    await eventually(lambda: wells.condition("pad8", "Stalled")["status"] == "False")
    assert len(wells.events("NotApplied")) == 1


async def test_where_a_quota_refuses_the_pod_the_message_is_the_command_that_shows_it(
    operator, wells
):
    quota(wells, {"pods": "0"})
    await eventually(lambda: is_counted(wells))
    wells.connect("pad7")
    await eventually(lambda: wells.reason("pad7", "Ready") == "WorkerNotRunning")
    message = wells.condition("pad7", "Ready")["message"]
    assert f"kubectl -n {wells.name} describe statefulset scada-pad7" in message
    shown = await eventually(lambda: wells.events("FailedCreate"))  # what that command shows
    assert any("exceeded quota: few" in one for one in shown)
    wells.delete("resourcequotas", "few")
    await eventually(lambda: wells.get("pods", "scada-pad7-0"), patience_s=SETTLES_S)
