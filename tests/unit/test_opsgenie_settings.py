"""Addresses and keys of the channels: HTTPS unless it is this machine, and never a secret in sight."""

from __future__ import annotations

import pytest

from daybreak.config.channels import base_url, jsm_ops_from, opsgenie_from, slack_from
from daybreak.errors import SettingsError

KEY = "0f1e2d3c-secret"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (None, "https://api.opsgenie.com"),
        ("api.eu.opsgenie.com", "https://api.eu.opsgenie.com"),
        ("https://api.eu.opsgenie.com/", "https://api.eu.opsgenie.com"),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123"),
        ("http://localhost:8123/", "http://localhost:8123"),
        ("http://[::1]:8123", "http://[::1]:8123"),
    ],
)
def test_a_host_without_a_scheme_is_https(host: str | None, expected: str) -> None:
    assert opsgenie_from("o", password=KEY, host=host).base_url == expected


@pytest.mark.parametrize(
    "host", ["http://api.opsgenie.com", "ftp://x", "https://user:pw@host", "http://", "https://a b"]
)
def test_an_unsafe_address_is_refused_in_one_line_without_the_key(host: str) -> None:
    with pytest.raises(SettingsError) as caught:
        opsgenie_from("o", password=KEY, host=host)
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert "pw" not in str(caught.value)


def test_plain_http_needs_the_hosts_name() -> None:
    made = opsgenie_from("o", password=KEY, host="http://sandbox:8123", extra={"allow_http": ["sandbox"]})
    assert made.base_url == "http://sandbox:8123"
    with pytest.raises(SettingsError, match="allow_http"):
        opsgenie_from("o", password=KEY, host="http://other", extra={"allow_http": "sandbox"})


@pytest.mark.parametrize("host", [None, "https://api.atlassian.com/jsm/ops/integration/", "api.atlassian.com"])
def test_jsm_has_its_own_base(host: str | None) -> None:
    made = opsgenie_from("o", password=KEY, host=host, dialect="jsm")
    assert made.base_url == "https://api.atlassian.com/jsm/ops/integration"


def test_no_repr_shows_a_secret() -> None:
    jsm = jsm_ops_from("j", login="me@example.com", password=KEY, cloud_id="c", team="t")
    pager = opsgenie_from("o", password=KEY, extra={"proxy": f"http://me:{KEY}@proxy:3128"}, jsm=jsm)
    slack = slack_from("s", password=KEY)
    assert KEY not in f"{pager!r} {slack!r} {jsm!r} {pager.wire!r}"
    assert jsm.base_url == "https://api.atlassian.com/jsm/ops/api/c/v1"


@pytest.mark.parametrize("password", [None, "", "two words", "ключ", "  "])
def test_a_key_that_cannot_be_one_is_refused(password: str | None) -> None:
    with pytest.raises(SettingsError, match="'o'"):
        opsgenie_from("o", password=password)


def test_a_key_may_end_in_a_line_break() -> None:
    assert opsgenie_from("o", password=f"{KEY}\n").key == KEY


def test_a_time_out_is_always_finite() -> None:
    assert opsgenie_from("o", password=KEY, extra={"read_timeout": 0}).wire.timeouts.read == 10
    assert slack_from("s", password=KEY, extra={"timeout": 30}).wire.timeouts.total == 30
    with pytest.raises(SettingsError, match="read_timeout"):
        opsgenie_from("o", password=KEY, extra={"read_timeout": "long"})


def test_schema_and_port_of_a_connection_count() -> None:
    assert base_url("o", "127.0.0.1", schema="http", port=80, default="x") == "http://127.0.0.1:80"
