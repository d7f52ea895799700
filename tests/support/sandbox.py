"""A sandbox for tests: in a thread of this process, on a free port, with the limits that cost time switched off."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from daybreak.sandbox.options import Options
from daybreak.sandbox.server import address, bind, make_server
from daybreak.sandbox.world import World

START_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """A running sandbox. ``opsgenie_url`` and ``jsm_url`` are base URLs; ``slack_url`` is slack_sdk's ``base_url``."""

    url: str
    key: str = field(repr=False)
    token: str = field(repr=False)
    http: httpx.Client
    options: Options | None = None  # None, as is `world`, where the sandbox is a process of its own
    world: World | None = None

    @property
    def opsgenie_url(self) -> str:
        return self.url

    @property
    def jsm_url(self) -> str:
        return f"{self.url}/jsm/ops/integration"

    @property
    def slack_url(self) -> str:
        return f"{self.url}/api/"

    def state(self) -> dict[str, Any]:
        return self.http.get("/sandbox/state").raise_for_status().json()

    def alerts(self) -> list[dict[str, Any]]:
        return self.state()["alerts"]

    def alert(self, alias: str) -> dict[str, Any]:
        """The only alert of that alias; fails unless there is exactly one."""
        (found,) = [alert for alert in self.alerts() if alert["alias"] == alias]
        return found

    def channel(self, name: str) -> list[dict[str, Any]]:
        """The messages of a channel, threads inside; empty if there is no such channel."""
        channels = self.state()["slack"]["channels"]
        return next((each["messages"] for each in channels if each["name"] == name.removeprefix("#")), [])

    def violations(self) -> list[dict[str, Any]]:
        return self.state()["violations"]

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        return self.http.get("/sandbox/requests", params={"since": since}).raise_for_status().json()["requests"]

    def fault(self, service: str, mode: str, **more: Any) -> None:
        """Switch trouble on: ``fault("opsgenie", "503", count=2)``."""
        self._post("/sandbox/faults", {"service": service, "mode": mode, **more})

    def heal(self) -> None:
        self.http.delete("/sandbox/faults").raise_for_status()

    def reset(self) -> None:
        self._post("/sandbox/reset", {})

    def settings(self, **changes: Any) -> None:
        self._post("/sandbox/settings", changes)

    def people(self, **names: Any) -> None:
        """Make people, teams, schedules, ... known: see ``daybreak.sandbox.directory.Directory``."""
        self._post("/sandbox/directory", names)

    def make_channel(self, name: str, **flags: bool) -> None:
        self._post("/sandbox/slack/channels", {"name": name, **flags})

    def by_hand(self, alias: str, action: str, user: str = "somebody@sandbox") -> None:
        """What a person does in Opsgenie's app: ``acknowledge``, ``close``, ``unacknowledge``."""
        number = self.alert(alias)["id"]
        self._post(f"/sandbox/alerts/{number}/{action}", {"user": user})

    def until(self, holds: Callable[[dict[str, Any]], Any], seconds: float = 60.0) -> Any:
        """The first true result of ``holds(state)``; fails with the state's gist if there is none in time."""
        end = time.monotonic() + seconds
        while True:
            state = self.state()
            result = holds(state)
            if result:
                return result
            if time.monotonic() > end:
                gist = [(alert["alias"], alert["status"]) for alert in state["alerts"]]
                raise AssertionError(f"not within {seconds} s; alerts {gist}, violations {state['violations']}")
            time.sleep(0.01)

    def _post(self, path: str, body: dict[str, Any]) -> None:
        answer = self.http.post(path, json=body)
        assert answer.status_code < 300, answer.text


@contextmanager
def running_sandbox(**options: Any) -> Iterator[Sandbox]:
    """A sandbox for as long as the block lasts. ``options`` are those of :class:`daybreak.sandbox.options.Options`.

    Unless told otherwise changes apply almost at once and neither service counts requests.
    """
    chosen = Options(**{"apply_delay": 0.005, "slack_interval": 0.0, "rate_limits": False, **options})
    world = World(chosen)
    bound = bind("127.0.0.1", 0)
    url = address(bound)
    server = make_server(world)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="sandbox", daemon=True)
    thread.start()
    end = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > end:
            raise AssertionError("the sandbox did not start")
        time.sleep(0.005)
    # trust_env: a proxy of the environment must not stand between a test and its own sandbox.
    http = httpx.Client(base_url=url, timeout=30, trust_env=False)
    try:
        yield Sandbox(url=url, key=chosen.key, token=chosen.token, options=chosen, world=world, http=http)
    finally:
        http.close()
        server.should_exit = True
        thread.join(5)
        bound.close()
