"""Who asks, and what that user may see. The rules are Airflow's auth manager's, whichever is configured."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import quote

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user, oauth2_scheme
from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials


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


def may_read(user: Any, dag_ids: Iterable[str]) -> bool:
    """Whether ``user`` may read one of these dags; with none given, dags in general."""
    manager = get_auth_manager()
    if manager.is_authorized_dag(method="GET", user=user):
        return True
    return any(manager.is_authorized_dag(method="GET", user=user, details=DagDetails(id=dag_id)) for dag_id in dag_ids)


def airflow_root(request: Request) -> str:
    """The path of Airflow's first page, with a trailing slash, also below a sub-path."""
    mounted = str(request.scope.get("root_path", ""))  # "/daybreak", or "/airflow/daybreak"
    return mounted.rsplit("/", 1)[0] + "/"


def _path(request: Request) -> str:
    return str(request.url.path)
