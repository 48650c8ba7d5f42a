"""How errors leave over HTTP: each as a problem document (RFC 9457), with the headers that belong to it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match

from bot.api import serializers
from policies.errors import LimitReached, SaysoError

log = logging.getLogger("sayso.api")


def tell_errors(app: FastAPI) -> None:
    """Let every error of the app be told so."""
    app.add_exception_handler(SaysoError, _told)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _not_taken)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)


async def _told(_request: Request, error: Exception) -> Response:
    assert isinstance(error, SaysoError)
    status = serializers.status_of(error)
    headers = {}
    if isinstance(error, LimitReached):
        headers["Retry-After"] = str(error.retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        headers["Retry-After"] = "2"
    state = error.facts.get("state") or getattr(getattr(error, "approval", None), "state", None)
    body = serializers.problem(status, str(error), field=error.field, state=state)
    return JSONResponse(body, status, headers, media_type="application/problem+json")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    body, headers = serializers.problem(error.status_code, str(error.detail)), dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return JSONResponse(body, error.status_code, headers, media_type="application/problem+json")


def _methods(request: Request) -> set[str]:
    """What may be asked of this path, by all of the routes that have it."""
    matched = [route for route in _routes(request.app.routes) if route.matches(request.scope)[0] is not Match.NONE]
    return {method for route in matched for method in getattr(route, "methods", None) or ()}


def _routes(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Each route by itself, also those of included routers."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from _routes(included.routes)


async def _not_taken(_request: Request, error: Exception) -> Response:
    """A part of the path, or of the query, that a route does not take: no such path, or one bad field."""
    assert isinstance(error, RequestValidationError)
    problem = error.errors()[0]
    if problem["loc"][0] == "path":
        body = serializers.problem(404, "Not Found")
    else:
        body = serializers.problem(422, str(problem["msg"]), field=str(problem["loc"][-1]))
    return JSONResponse(body, body["status"], media_type="application/problem+json")


async def _gone(_request: Request, _error: Exception) -> Response:
    """Whoever asked has left before the body was whole: nobody hears this answer, and nothing went wrong here."""
    return Response(status_code=400)


async def _unexpected(_request: Request, error: Exception) -> Response:
    log.error("an unexpected error", exc_info=error)
    body = serializers.problem(500, "Something went wrong here; it was logged")
    return JSONResponse(body, 500, media_type="application/problem+json")
