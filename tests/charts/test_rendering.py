"""What the chart renders is what the programs read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from pumpjack_core.storage.roles import GATEWAY_ROLE, MAINTAIN_ROLE, OPERATOR_ROLE
from pumpjack_gateway.settings import from_environment
from pumpjack_gateway.site import Oidc, Site
from pumpjack_operator import platform, stores
from pumpjack_operator import settings as operator_settings
from pumpjack_operator.platform import Peer, Platform, Rules
from tests.charts.helm import (
    INSTALLATIONS,
    NAMESPACE,
    VALUES,
    Manifest,
    containers,
    environment,
    helm,
    one,
    pods,
    rendered,
    template,
)

pytestmark = pytest.mark.peers

EVERYTHING = VALUES / "everything.yaml"
EXTERNAL = VALUES / "external.yaml"
each_installation = pytest.mark.parametrize(
    "values", INSTALLATIONS.values(), ids=list(INSTALLATIONS)
)


def platform_of(manifests: tuple[Manifest, ...], folder: Path) -> Platform:
    """As the operator reads it."""
    file = folder / "platform.yaml"
    file.write_text(one(manifests, "ConfigMap", "-platform")["data"]["platform.yaml"])
    return platform.read(file)


def pod(manifests: tuple[Manifest, ...], name: str) -> Manifest:
    (found,) = [each for where, each in pods(manifests) if name in where]
    return found


@each_installation
def test_helm_lint_finds_nothing(values):
    chart = Path(__file__).parents[2] / "charts" / "pumpjack"
    done = helm("lint", chart, "--strict", "--values", values, "--kube-version", "1.34.0")
    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout
    assert "ERROR" not in done.stdout


@each_installation
def test_the_operator_reads_what_the_platform_decides(values, tmp_path):
    found = platform_of(rendered(values), tmp_path)
    assert {peer.port for peer in found.dns} == {53}
    assert len(found.stores) == 2
    assert found.watchers[0].namespace == NAMESPACE
    labels = pod(rendered(values), "-operator")["metadata"]["labels"]
    assert found.watchers[0].pods.items() <= labels.items()


def test_every_word_of_the_platform_reaches_the_operator(tmp_path):
    assert platform_of(rendered(EVERYTHING), tmp_path) == Platform(
        image="images.example/scada/worker:1.2.3",
        tenants={
            "permian": Rules(("10.1.0.0/16", "fd00:1::/64"), ("10.1.7.0/24",)),
            "bakken": Rules(),
        },
        tenant_by_name=True,
        reserved_networks=("10.244.0.0/16",),
        stores=(
            Peer(6432, cidr="10.9.0.5/32"),
            Peer(6380, namespace="stores", pods={"app": "valkey"}),
        ),
        dns=(Peer(53, cidr="10.0.0.10/32"),),
        watchers=(
            Peer(
                9464,
                namespace=NAMESPACE,
                pods={
                    "app.kubernetes.io/name": "pumpjack-operator",
                    "app.kubernetes.io/instance": "oil",
                },
            ),
            Peer(9464, namespace="monitoring", pods={"app": "prometheus"}),
        ),
        stores_secret="stores",
        image_pull_policy="Always",
        image_pull_secrets=("pull",),
        priority_class="wells",
        drain_s=60,
        requests={"cpu": "50m", "memory": "128Mi"},
        limits={"memory": "512Mi"},
    )


@each_installation
def test_the_gateway_reads_its_settings(values):
    given = environment(pod(rendered(values), "-gateway"))
    # a Secret has more characters than its key's name
    settings = from_environment({**given, "PUMPJACK_JWT_SECRET": "x" * 32})
    assert settings.issuers()
    assert settings.rest_address == "0.0.0.0:4000"
    assert settings.ws_address == "0.0.0.0:4001"
    assert settings.cursor_secret == "cursor-secret"


def test_the_gateway_has_every_setting_that_was_given():
    settings = from_environment(environment(pod(rendered(EVERYTHING), "-gateway")))
    assert settings.raw_kept_days == 30.5
    assert settings.ws_write_most_bytes == 4_194_304
    assert settings.token_in_url is True
    assert settings.rest_rate_user_per_s == 0.5
    assert settings.origins == (
        "https://screens.example.com",
        "http://localhost:8080",
        "https://scada.example.com",
    )
    assert settings.site() == Site(
        https=True,
        web_socket_url="wss://scada.example.com/ws",
        oidc=Oidc("https://id.example.com/", "pumpjack-screens", "openid email"),
        oidc_origins=("https://oauth2.example.com",),
        token_sign_in=True,
    )
    assert settings.templates_dir == "/etc/pumpjack/pictures"
    assert settings.log_level == "WARNING"
    assert settings.tls_cert_file == "/etc/pumpjack/tls/tls.crt"
    assert settings.jwt_secret == ""
    (issuer,) = settings.issuers()
    assert issuer.audiences == ("pumpjack", "screens")
    assert (str(issuer.claims.tenant), str(issuer.claims.role)) == ("tenant", "/realm_access/role")
    assert issuer.leeway_s == 5


@each_installation
def test_the_operator_reads_its_settings_and_where_the_stores_are(values, tmp_path):
    given = environment(pod(rendered(values), "-operator"))
    settings = operator_settings.read(given)
    assert settings.status_address == "0.0.0.0:9464"
    assert (settings.namespace, settings.pod_name) == ("metadata.namespace", "metadata.name")
    found = stores.read(mounted(given, tmp_path))
    assert urlsplit(found.database_url).username == OPERATOR_ROLE
    assert urlsplit(found.worker_database_url).username is None
    (url,) = found.redis_urls
    assert urlsplit(url).password == "redis-operator-password"
    assert "redis-operator-password" not in found.worker_redis_url


def mounted(given: dict[str, str], folder: Path) -> dict[str, str]:
    """The environment, with the authorities in a folder as they are in the pod."""
    for name in ("database", "redis"):
        (folder / f"{name}-ca").mkdir()
        (folder / f"{name}-ca" / "ca.crt").write_text(f"authorities of {name}")
    return {
        name: value.replace("/etc/pumpjack/", f"{folder}/") if name.endswith("_URL") else value
        for name, value in given.items()
    }


def test_workers_go_to_the_pooler_and_trust_the_same_authorities(tmp_path):
    found = stores.read(mounted(environment(pod(rendered(EVERYTHING), "-operator")), tmp_path))
    assert urlsplit(found.worker_database_url).netloc == "pooler.example:6432"
    assert urlsplit(found.worker_redis_url).netloc == "valkey.example:6380"
    assert dict(found.authorities) == {
        "database-ca.crt": "authorities of database",
        "redis-ca.crt": "authorities of redis",
    }


@pytest.mark.parametrize("values", [EXTERNAL, EVERYTHING], ids=["least", "most"])
def test_every_way_to_a_store_is_encrypted_and_verified(values):
    seen = 0
    for _, found in pods(rendered(values)):
        for name, value in environment(found).items():
            url = urlsplit(value)
            question = parse_qs(url.query)
            if "DATABASE_URL" in name:
                assert question["sslmode"] == ["verify-full"], name
                authorities = question["sslrootcert"]
            elif "REDIS_URL" in name:
                assert url.scheme == "rediss"
                authorities = question["ssl_ca_certs"]
            else:
                continue
            seen += 1
            assert_readable(authorities[0], found)
    assert seen >= 6


def assert_readable(file: str, template: Manifest) -> None:
    """The file is of the image, or a mounted volume gives it."""
    if file == "/etc/ssl/certs/ca-certificates.crt":
        return
    (mount,) = [
        each
        for each in containers(template)[-1]["volumeMounts"]
        if file.startswith(each["mountPath"] + "/")
    ]
    (volume,) = [each for each in template["spec"]["volumes"] if each["name"] == mount["name"]]
    source = volume.get("secret") or volume["configMap"]
    assert [item["path"] for item in source["items"]] == [file.rpartition("/")[2]]


@each_installation
def test_no_password_is_rendered_but_those_to_try_out(values):
    secrets = [each for each in rendered(values) if each["kind"] == "Secret"]
    assert bool(secrets) == ("trying" in name_of(values))
    for _, found in pods(rendered(values)):
        for container in containers(found):
            for entry in container["env"]:
                if "PASSWORD" in entry["name"] or entry["name"].endswith("SECRET"):
                    assert "secretKeyRef" in entry["valueFrom"]


def name_of(values: Path) -> str:
    return next(name for name, file in INSTALLATIONS.items() if file == values)


@each_installation
def test_every_login_that_a_pod_asks_for_is_one_that_the_page_names(values):
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    keys = {
        entry["valueFrom"]["secretKeyRef"]["key"]
        for _, found in pods(rendered(values))
        for container in containers(found)
        for entry in container["env"]
        if "secretKeyRef" in entry.get("valueFrom", {})
    }
    if "trying" in name_of(values):
        keys.discard("jwt-secret")
    for key in keys:
        assert f"`{key}`" in page, key


def test_the_migration_gives_each_login_its_password_and_the_parts_use_them():
    manifests = rendered(EXTERNAL)
    job = pod(manifests, "-migrate-")
    assert [each["args"] for each in containers(job)] == [
        ["pumpjack", "migrate"],
        ["python", "-m", "pumpjack_core.storage.logins"],
    ]
    (logins,) = [each for each in job["spec"]["volumes"] if each["name"] == "logins"]
    given = {item["path"]: item["key"] for item in logins["secret"]["items"]}
    used = {}
    for name in ("-gateway", "-maintain", "-operator"):
        env = environment(pod(manifests, name))
        used[urlsplit(env["PUMPJACK_DATABASE_URL"]).username] = env["PGPASSWORD"]
    assert used == given
    assert set(used) == {GATEWAY_ROLE, MAINTAIN_ROLE, OPERATOR_ROLE}


def test_another_version_migrates_again_and_the_same_does_not():
    def job(*more: str) -> str:
        done = template(EXTERNAL, more=more)
        assert done.returncode == 0, done.stderr
        (name,) = [
            line.split()[1]
            for line in done.stdout.splitlines()
            if line.startswith("  name: ") and "-migrate-" in line
        ]
        return name

    assert job() == job("gateway.replicas=3") != job("image.tag=0.2.0")


def test_prometheus_checks_the_gateways_certificate_where_it_is_told_who_signs_it():
    def tls(*more: str) -> object:
        switches = ("gateway.tls.secretName=tls", "monitoring.serviceMonitors.enabled=true")
        done = template(EXTERNAL, more=(*switches, *more))
        assert done.returncode == 0, done.stderr
        manifests = tuple(filter(None, yaml.safe_load_all(done.stdout)))
        (endpoint,) = one(manifests, "ServiceMonitor", "-gateway")["spec"]["endpoints"]
        assert endpoint["scheme"] == "https"
        return endpoint["tlsConfig"]

    given = "monitoring.serviceMonitors.gatewayTls"
    name = f"oil-pumpjack-gateway.{NAMESPACE}.svc"
    assert tls(f"{given}.ca.configMap=ca") == {
        "serverName": name,
        "ca": {"configMap": {"name": "ca", "key": "ca.crt"}},
    }
    assert tls(f"{given}.ca.secret=ca,{given}.ca.key=b.pem,{given}.serverName=scada.example") == {
        "serverName": "scada.example",
        "ca": {"secret": {"name": "ca", "key": "b.pem"}},
    }
    assert tls() == {"insecureSkipVerify": True}


@pytest.mark.parametrize("key", ["tenancy.byName", "monitoring.serviceMonitors.gatewayTls"])
def test_a_value_that_an_older_release_did_not_know_is_not_missed(key):
    """As with `helm upgrade --reuse-values`, also where what reads it is switched on."""
    done = template(EVERYTHING, more=(f"{key}=null",))
    assert done.returncode == 0, done.stderr
    assert "<no value>" not in done.stdout


REFUSED = {
    "no database": ("database.host=", "database.host is not set"),
    "no Redis": ("redis.host=", "redis.host is not set"),
    "a database that NetworkPolicies cannot name": ("database.peers=null", "database.peers"),
    "no issuer": ("gateway.issuers=null", "gateway.issuers is empty"),
    "a budget that would block drains": ("gateway.replicas=1", "no node could be drained"),
    "an ingress in the clear": ("gateway.ingress.enabled=true", "gateway.ingress.host"),
    "plain text to the database": ("database.tls.enabled=false", "'tls' not allowed"),
    "a word that is none": ("gatway.replicas=1", "'gatway' not allowed"),
    "a network that is none": ("tenants.a.deviceNetworks={10.1}", "does not match pattern"),
    "a shared secret": ("gateway.issuers[0].algorithms={HS256}", "algorithms"),
}


@pytest.mark.parametrize(("given", "said"), REFUSED.values(), ids=list(REFUSED))
def test_what_could_not_work_is_refused_with_a_sentence(given, said):
    done = template(EXTERNAL, more=(given,))
    assert done.returncode != 0
    assert said in done.stderr


def test_the_crds_are_kept_when_the_release_goes_unless_told_otherwise():
    def policies(values: Path) -> set[str | None]:
        crds = [each for each in rendered(values) if each["kind"] == "CustomResourceDefinition"]
        return {
            (each["metadata"].get("annotations") or {}).get("helm.sh/resource-policy")
            for each in crds
        }

    assert policies(EXTERNAL) == {"keep"}
    assert policies(EVERYTHING) == {None}
    assert policies(VALUES / "volumes.yaml") == set()


@each_installation
def test_every_object_is_of_the_release_and_named_once(values):
    found = [
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])
        for each in rendered(values)
    ]
    assert len(found) == len(set(found))
    clusterwide = {"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}
    clusterwide |= {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
    for kind, namespace, name in found:
        if (kind, name) == ("RoleBinding", "wells-operator") and namespace == "permian-ops":
            continue  # what the operator may do in a tenant's namespace
        assert namespace == (None if kind in clusterwide else NAMESPACE), kind


class Arrow(NamedTuple):
    """Who may be asked by whom, as NetworkPolicies of the chart have it."""

    by: str
    of: str


@each_installation
def test_who_asks_whom_is_allowed_by_both(values):
    """Each egress inside the release has its ingress."""
    manifests = rendered(values)
    policies = {
        each["metadata"]["name"]: each["spec"]
        for each in manifests
        if each["kind"] == "NetworkPolicy"
    }
    labels = {
        template["metadata"]["labels"]["app.kubernetes.io/name"]: template["metadata"]["labels"]
        for _, template in pods(manifests)
    }
    arrows = set()
    for spec in policies.values():
        by = spec["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        for rule in spec["egress"]:
            for peer in rule.get("to", ()):
                if "podSelector" in peer and "namespaceSelector" not in peer:
                    name = peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
                    arrows.add(Arrow(by, name))
    for arrow in arrows:
        (spec,) = [
            each
            for each in policies.values()
            if each["podSelector"]["matchLabels"].items() <= labels[arrow.of].items()
        ]
        selectors = [peer["podSelector"]["matchLabels"] for peer in spec["ingress"][0]["from"]]
        assert any(each.items() <= labels[arrow.by].items() for each in selectors), arrow
    if values == INSTALLATIONS["trying out"]:
        assert Arrow("pumpjack-gateway", "pumpjack-valkey") in arrows
        assert len(arrows) == 6
