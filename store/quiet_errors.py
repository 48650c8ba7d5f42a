"""Errors of a database without the values that were asked or written: they end up in logs and tracebacks."""

from __future__ import annotations

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError

# What PostgreSQL says in one line of these names tables and constraints only: integrity (23), locks and ends of sessions
# (40, 53, 55, 57, 58), our own triggers (P0), missing tables (42), internal errors (XX).
_NAMES_ONLY = ("08", "23", "25", "28", "3D", "40", "42", "53", "55", "57", "58", "P0", "XX")


def keep_values_out(engine: Engine) -> None:
    """From now on no error of `engine` carries a value; beside `hide_parameters`, which speaks for SQLAlchemy alone."""
    event.listen(engine, "handle_error", _cut)


def _cut(context: ExceptionContext) -> None:
    original = context.original_exception
    if not isinstance(original, psycopg.Error):
        return
    said = _said(original)
    original.args = (said,)
    wrapped = context.sqlalchemy_exception
    if isinstance(wrapped, DBAPIError):
        kind = type(original)
        wrapped.args = (f"({kind.__module__}.{kind.__name__}) {said}",)


def _said(error: psycopg.Error) -> str:
    """The first line alone: DETAIL quotes whole rows, and the first line of a data error quotes a value."""
    state = error.sqlstate
    if state is not None and not state.startswith(_NAMES_ONLY):
        return f"SQLSTATE {state}"
    lines = str(error).splitlines()
    return lines[0] if lines else ""
