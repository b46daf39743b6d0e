"""Where the stores are, as the operator is told and as it tells workers. Pure."""

from __future__ import annotations

import base64

import pytest

from pumpjack_core.errors import ManifestError
from pumpjack_operator import stores
from pumpjack_operator.logins import (
    Logins,
    copy_manifest,
    fresh_logins,
    stores_version,
    wanted_logins,
)
from pumpjack_operator.specs.stateful_set import stateful_set
from tests.operator.wells import wanted

TOLD = {
    "PUMPJACK_DATABASE_URL": "postgresql://pumpjack_operator@db.example:5432/wells?sslmode=verify-full"
    "&sslrootcert=/etc/ssl/certs/ca-certificates.crt",
    "PUMPJACK_REDIS_URL": "rediss://operator:secret@live.example:6380/0",
}


def data(found: stores.Stores) -> dict[str, str]:
    manifest = copy_manifest("pumpjack-stores", "ops", "permian", fresh_logins(), found)
    return {key: base64.b64decode(value).decode() for key, value in manifest["data"].items()}


def test_workers_go_where_the_operator_goes_with_logins_of_their_own():
    copy = data(stores.read(TOLD))
    assert copy.keys() == {"database-url", "redis-url"}
    assert "@db.example:5432/wells?sslmode=verify-full&sslrootcert=/etc/ssl" in copy["database-url"]
    assert copy["database-url"].startswith("postgresql://pj_723b196d1eacad428621_w:")
    assert copy["redis-url"].endswith("@live.example:6380/0")
    assert "secret" not in str(copy)


def test_workers_are_sent_to_a_pooler_and_users_are_made_on_every_server():
    found = stores.read(
        {
            **TOLD,
            "PUMPJACK_WORKER_DATABASE_URL": "postgresql://pooler:6432/wells",
            "PUMPJACK_REDIS_URLS": "rediss://a:x@one:1/0 rediss://a:x@two:1/0",
        }
    )
    assert "@pooler:6432/wells" in data(found)["database-url"]
    assert len(found.redis_urls) == 2
    assert "live.example" in data(found)["redis-url"]


def test_an_authority_of_ones_own_goes_with_the_logins_and_the_pod_has_it(tmp_path):
    for name in ("db.crt", "live.crt"):
        (tmp_path / name).write_text(f"-----{name}-----")
    told = {
        "PUMPJACK_DATABASE_URL": f"postgresql://o@db/wells?sslmode=verify-full&sslrootcert={tmp_path}/db.crt",
        "PUMPJACK_REDIS_URL": f"rediss://o:x@live:6380/0?ssl_ca_certs={tmp_path}/live.crt",
    }
    copy = data(stores.read(told))
    assert copy["database-ca.crt"] == "-----db.crt-----"
    assert copy["redis-ca.crt"] == "-----live.crt-----"
    pod = stateful_set(wanted())["spec"]["template"]["spec"]
    (mount,) = [one for one in pod["containers"][0]["volumeMounts"] if one["name"] == "stores"]
    assert f"sslrootcert={mount['mountPath']}/database-ca.crt" in copy["database-url"]
    assert f"ssl_ca_certs={mount['mountPath']}/redis-ca.crt" in copy["redis-url"]
    assert "sslmode=verify-full" in copy["database-url"]
    (volume,) = [one for one in pod["volumes"] if one["name"] == "stores"]
    assert volume["secret"]["optional"] is True
    assert {item["key"] for item in volume["secret"]["items"]} == {
        "database-ca.crt",
        "redis-ca.crt",
    }


def test_what_is_missing_is_named():
    with pytest.raises(ManifestError, match="PUMPJACK_REDIS_URL is not set"):
        stores.read({"PUMPJACK_DATABASE_URL": "postgresql://db/wells"})
    told = {**TOLD, "PUMPJACK_REDIS_URL": "rediss://live/0?ssl_ca_certs=/nowhere/ca.crt"}
    with pytest.raises(ManifestError, match=r"/nowhere/ca\.crt of ssl_ca_certs cannot be read"):
        stores.read(told)


def test_the_version_changes_with_every_part_of_what_workers_are_told():
    first = fresh_logins()

    def version(logins: Logins, told: dict[str, str] = TOLD) -> str:
        return stores_version(copy_manifest("s", "ops", "permian", logins, stores.read(told)))

    moved = {**TOLD, "PUMPJACK_WORKER_REDIS_URL": "rediss://elsewhere/0"}
    renewed = wanted_logins(first, "again")
    assert version(first) == version(first)
    assert len({version(first), version(renewed), version(first, moved)}) == 3


def test_logins_are_renewed_once_for_each_value_that_is_asked():
    first = fresh_logins()
    assert wanted_logins(first, "") is first
    second = wanted_logins(first, "january")
    assert second.database_password != first.database_password
    assert second.redis_password != first.redis_password
    assert wanted_logins(second, "january") is second
    assert wanted_logins(second, "") is second
    assert wanted_logins(second, "february").version != second.version
