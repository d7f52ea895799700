"""Rows of the outbox as a person would read them, in plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from daybreak.store.outbox import Delivery

WIDTH = 110


def shown(row: Delivery) -> str:
    """Several lines: where to, in which way, and the content."""
    if row.channel == "opsgenie":
        return "\n".join(_alert(row))
    return "\n".join(_slack(row))


def _alert(row: Delivery) -> Iterator[str]:
    payload, body = row.payload, row.payload.get("body", {})
    who = ", ".join(str(each.get("username") or each.get("name")) for each in body.get("responders", ()))
    yield f"Opsgenie · {row.operation} · alias {payload['alias']}"
    if row.operation in ("create", "step"):
        yield f"  {body['priority']} → {who or 'nobody by name'}"
        yield f"  {body['message']}"
        yield textwrap.indent(str(body["description"]), "  │ ")
        yield f"  tags: {', '.join(body['tags'])}"
        yield from (f"  {key} = {value}" for key, value in body["details"].items())
    elif payload.get("note"):
        yield textwrap.indent(textwrap.fill(str(payload["note"]), WIDTH), "  │ ")


def _slack(row: Delivery) -> Iterator[str]:
    yield f"Slack · {row.payload['channel']} · the incident's message" + (
        " (rewritten)" if row.operation == "rewrite" else ""
    )
    yield textwrap.indent("\n".join(_message(row.payload["message"])), "  │ ")
    if row.payload.get("reply"):
        yield "  in the thread, where there is one already:"
        yield textwrap.indent("\n".join(_message(row.payload["reply"])), "    │ ")


def _message(message: Mapping[str, Any]) -> Iterator[str]:
    for block in message.get("blocks", ()):
        yield from _block(block)
    for attachment in message.get("attachments", ()):
        for block in attachment.get("blocks", ()):
            yield from (f"▌ {line}" for line in _block(block))


def _block(block: Mapping[str, Any]) -> Iterator[str]:
    kind = block["type"]
    if kind == "header":
        yield block["text"]["text"]
    elif kind == "section" and "fields" in block:
        yield from (field["text"].replace("\n", ": ", 1) for field in block["fields"])
    elif kind == "section":
        yield from block["text"]["text"].splitlines()
    elif kind == "context":
        yield " ".join(element["text"] for element in block["elements"])
    elif kind == "actions":
        yield " ".join(f"[{element['text']['text']}]" for element in block["elements"])
        yield from (f"  {element['text']['text']}: {element['url']}" for element in block["elements"])
