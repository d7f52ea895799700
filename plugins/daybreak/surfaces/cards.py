"""What the policy needs of the registry, one card a pipeline, on disk between processes.

Airflow parses a dag's file in a fresh process, and again at each start of a task. Making the registry there, even from
its copy, means to import and build the whole domain for one dag; a card is a few strings that are ready to be put on
it. Cards stand under a key of everything that decides what is on them, so that another registry, another address of
Airflow, or another release of ours is seen at once; whoever sees it first writes the new ones.
"""

from __future__ import annotations

import hashlib
import logging
import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from daybreak import __version__
from daybreak.airflow_io import settings
from daybreak.config.files import Stamp, digest, kept_file, read_kept, stamp_of, write_kept
from daybreak.config.shelf import FOLDER

if TYPE_CHECKING:
    from daybreak.surfaces.site import Site

log = logging.getLogger(__name__)

_MAKERS = ("surfaces/cards.py", "surfaces/documentation.py", "surfaces/ownership.py", "surfaces/deadlines.py",
           "config/links.py", "config/mapping.py", "domain/registry.py", "domain/duration.py")  # fmt: skip
"""Files whose code decides what stands on a card: a deployment from a working tree changes them under one version."""
_WILD = frozenset("*?[")


class Card(NamedTuple):
    """One pipeline. JSON holds it as a list, in this order."""

    pipeline: str  # its id
    dags: list[str]  # exact ids or globs
    owner: str
    tags: list[str]  # sorted
    url: str | None  # the runbook's page, if it can be an owner's link
    head: str  # of the documentation, without the runbook's text
    runbook: str | None  # file name
    native: dict[str, Any] | None  # the terms of a native deadline, where one is asked for


class Cards:
    """Those of one registry. ``runbooks`` is the folder of their runbooks."""

    def __init__(self, cards: list[Card], owner: str, url: str | None, runbooks: Path | None) -> None:
        self.cards = cards
        self.owner = owner  # of dags that nobody claims
        self.url = url  # the list of all runbooks, likewise
        self.runbooks = runbooks
        self._exact: dict[str, Card] = {}
        self._globs: list[tuple[str, Card]] = []
        for card in cards:
            for dag_id in card.dags:
                self._exact.setdefault(dag_id, card)
                if not _WILD.isdisjoint(dag_id):
                    self._globs.append((dag_id, card))

    def of_dag(self, dag_id: str) -> Card | None:
        """As :meth:`daybreak.domain.registry.Registry.pipeline_of`: an exact id wins over a glob."""
        exact = self._exact.get(dag_id)
        if exact is not None:
            return exact
        return next((card for glob, card in self._globs if fnmatchcase(dag_id, glob)), None)

    @classmethod
    def of(cls, site: Site) -> Cards:
        """Made from the registry itself."""
        from daybreak.surfaces.deadlines import native_terms
        from daybreak.surfaces.documentation import head_of
        from daybreak.surfaces.ownership import link_of, tags_of

        cards = [
            Card(
                pipeline=pipeline.id,
                dags=list(pipeline.dags),
                owner=pipeline.primary_owner,
                tags=sorted(tags_of(pipeline)),
                url=link_of(site.runbook_url(pipeline)),
                head=head_of(site, pipeline),
                runbook=pipeline.runbook,
                native=native_terms(pipeline, site.registry),
            )
            for pipeline in site.registry.pipelines.values()
        ]
        return cls(cards, site.registry.defaults.owner, link_of(site.runbook_url(None)), site.shelf.folder)


_Place = tuple[Path, Path, str]
"""The registry, the folder of what is kept of it, Airflow's own address."""
_HOME, _FILE = "AIRFLOW_HOME", "AIRFLOW__DAYBREAK__OWNERSHIP_FILE"

_place: tuple[tuple[str | None, str | None], _Place] | None = None
_latest: tuple[_Place, Stamp | None, Cards | None] | None = None
"""What this process found, and how the file looked then."""


def current_cards() -> Cards | None:
    """Those of the registry in force; None without one (the reason is logged). Never raises.

    An unchanged registry costs one ``stat``; for a new process it costs reading it, without making anything of it.
    """
    global _latest
    try:
        place, stamp = _where()
        if _latest is None or _latest[:2] != (place, stamp):
            _latest = place, stamp, _find(*place)
        return _latest[2]
    except Exception:
        log.exception("the daybreak registry could not be read; dags are left as they are")
        return None


def forget() -> None:
    """Begin as a new process does."""
    global _latest, _place
    _latest = _place = None


def _where() -> tuple[_Place, Stamp | None]:
    """As Airflow's configuration says. While there is a registry it is asked once: asking for every dag would cost
    more than dressing it."""
    global _place
    environment = os.environ.get(_HOME), os.environ.get(_FILE)
    if _place is not None and _place[0] == environment:
        stamp = stamp_of(_place[1][0])
        if stamp is not None:
            return _place[1], stamp
    place = settings.ownership_file(), settings.airflow_home() / "daybreak", settings.airflow_base_url() or ""
    _place = environment, place
    return place, stamp_of(place[0])


def _find(path: Path, folder: Path, base_url: str) -> Cards | None:
    kept = kept_file("cards", path, folder)
    data = _bytes_of(path)
    key = _key(data, base_url, path.parent / FOLDER)
    found = read_kept(kept, key) if data else None
    if found is not None:
        owner, url, cards, problem = found
        if problem:
            log.error("%s; last_good=True", problem)
        return Cards([Card(*each) for each in cards], owner, url, path.parent / FOLDER)
    from daybreak.config.lastgood import load_with_last_good
    from daybreak.surfaces.site import current_site

    site = current_site()
    if site is None:
        return None
    made = Cards.of(site)
    # Of a broken file the last good cards are kept, with what is wrong: to find that out takes longest. Not while the
    # file changes: what was found would then stand under the key of other bytes.
    problem = None if site.registry.digest == digest(data) else load_with_last_good(path, folder).problem
    if site.registry.digest == digest(data) or (problem and data and _bytes_of(path) == data):
        write_kept(kept, key, [made.owner, made.url, made.cards, problem])
    return made


def _bytes_of(path: Path) -> bytes:
    """None at all where the file cannot be read: whoever loads it says why."""
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        return b""


def _key(data: bytes, base_url: str, runbooks: Path) -> str:
    """Of all that decides what stands on the cards, and whether the registry is good: its runbooks must be there."""
    seen = hashlib.sha256(f"{__version__}\0{base_url}\0".encode())
    package = Path(__file__).resolve().parents[1]
    for name in _MAKERS:
        try:
            seen.update((package / name).read_bytes())
        except OSError:  # deployed without sources: the version alone tells
            seen.update(b"\0")
    # The checks of a registry are more code than need be read here: their sizes tell one working tree from another.
    checks = (f"{file.name}:{file.stat().st_size}" for file in os.scandir(package / "config") if file.is_file())
    try:
        listed = sorted(os.listdir(runbooks))
    except OSError:
        listed = []
    seen.update("\0".join([*sorted(checks), "", *listed, ""]).encode(errors="surrogateescape"))
    seen.update(data)
    return seen.hexdigest()
