"""Who asks, and what that user may see. The rules are Airflow's auth manager's, whichever is configured."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import quote

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user, oauth2_scheme
from airflow.configuration import conf
from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials

EVERY_DAG = "~"
"""What Airflow's own API calls all dags. No dag has this id: who may read it may read whatever there is."""


async def signed_in(
    request: Request,
    token: Annotated[str | None, Depends(oauth2_scheme)] = None,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)] = None,
) -> Any:
    """The user of this request. A browser without one is sent to the login and comes back after; others get 401."""
    try:
        return await get_user(request, token, bearer)
    except HTTPException as refusal:
        if refusal.status_code in (401, 403) and "text/html" in request.headers.get("accept", ""):
            login = f"{airflow_root(request)}api/v2/auth/login?next={quote(_path(request), safe='')}"
            raise HTTPException(status_code=302, headers={"Location": login}) from refusal
        raise


SignedIn = Annotated[Any, Depends(signed_in)]


class Readable:
    """Which dags ``user`` may read, for one request.

    Never asked is whether the user may read dags in general: some auth managers (FAB's) answer yes to whoever may read
    a single one of them, for such a user may list dags.
    """

    def __init__(self, user: Any) -> None:
        self._user = user
        self._manager = get_auth_manager()

    def any_of(self, dag_ids: Iterable[str]) -> bool:
        """Whether the user may read one of these dags (exact ids or globs); with none given, every dag there may be."""
        named = tuple(dag_ids) or (EVERY_DAG,)
        return any(self._may_read(dag_id) for dag_id in named) or any(self._may_read_one_like(one) for one in named)

    def _may_read(self, dag_id: str) -> bool:
        details = DagDetails(id=dag_id, team_name=_team_of(dag_id))
        return bool(self._manager.is_authorized_dag(method="GET", user=self._user, details=details))

    def _may_read_one_like(self, glob: str) -> bool:
        return is_glob(glob) and bool(fnmatch.filter(self._known, glob))

    @cached_property
    def _known(self) -> frozenset[str]:
        """The dags that Airflow knows and the user may read: looked up only where a glob is to be matched."""
        return frozenset(self._manager.get_authorized_dag_ids(user=self._user, method="GET"))


def _team_of(dag_id: str) -> str | None:
    """The team that a dag belongs to, where Airflow is set up for several teams."""
    if not conf.getboolean("core", "multi_team", fallback=False):
        return None
    from airflow.models.dag import DagModel

    team: str | None = DagModel.get_team_name(dag_id)
    return team


def is_glob(dag_id: str) -> bool:
    """Whether the registry means several dags by it."""
    return bool(set(dag_id) & set("*?["))


def airflow_root(request: Request) -> str:
    """The path of Airflow's first page, with a trailing slash, also below a sub-path."""
    mounted = str(request.scope.get("root_path", ""))  # "/daybreak", or "/airflow/daybreak"
    return mounted.rsplit("/", 1)[0] + "/"


def _path(request: Request) -> str:
    """What was asked for, on this server: the page of a delay is one of a date."""
    query = request.url.query
    return f"{request.url.path}?{query}" if query else str(request.url.path)
