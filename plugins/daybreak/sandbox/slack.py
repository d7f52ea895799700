"""Slack's Web API, as far as a bot that reports needs it. Errors are HTTP 200 with ``ok: false``."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from daybreak.sandbox import blocks
from daybreak.sandbox.answers import Answer, SlackRefused
from daybreak.sandbox.channels import BOT_ID, BOT_USER, TEAM_ID, Channel, Message
from daybreak.sandbox.routing import Call, parse_json
from daybreak.sandbox.slack_reads import SlackReads
from daybreak.sandbox.world import World

TEXT_LIMIT = 40_000
METADATA_LIMIT = 8_000
Args = dict[str, Any]


class Slack:
    """Methods by name. ``handle`` answers ``/api/<method>``."""

    def __init__(self, world: World) -> None:
        self.world = world
        reads = SlackReads(world, self.channel)
        self.methods: dict[str, Callable[[Args], dict[str, Any]]] = {
            "api.test": lambda args: {"args": args},
            "auth.test": self.auth_test,
            "chat.postMessage": self.post,
            "chat.update": self.update,
            "chat.delete": self.delete,
            **reads.methods,
        }

    def handle(self, call: Call) -> Answer:
        """:raises SlackRefused: as Slack refuses."""
        name = "/".join(call.segments[1:])
        args = arguments(call)
        self._authenticate(call, args)
        method = self.methods.get(name)
        if method is None:
            raise SlackRefused("unknown_method", extra={"req_method": name})
        return Answer(body={"ok": True, **method(args)}, headers={"x-oauth-scopes": "chat:write,channels:history"})

    def _authenticate(self, call: Call, args: Args) -> None:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            token = str(args.get("token", ""))
        args.pop("token", None)
        if not token:
            raise SlackRefused("not_authed")
        if token != self.world.options.token:
            raise SlackRefused("invalid_auth")

    def auth_test(self, args: Args) -> dict[str, Any]:
        return {
            "url": "https://sandbox.slack.com/", "team": "Sandbox", "user": "daybreak", "team_id": TEAM_ID,
            "user_id": BOT_USER, "bot_id": BOT_ID, "is_enterprise_install": False,
        }  # fmt: skip

    def channel(self, args: Args, *, writing: bool = False) -> Channel:
        """The channel that is meant; a name that nobody knows is made, unless the sandbox is strict.

        :raises SlackRefused: there is none, or (``writing``) the bot may not write there.
        """
        name = args.get("channel")
        if not isinstance(name, str) or not name:
            raise SlackRefused("invalid_arguments", messages=["[ERROR] missing required field: channel"])
        found = self.world.channels.find(name)
        if found is None:
            if self.world.options.strict or not writing or _is_id(name):
                # Asking whether a channel exists breaks no rule; writing to one that does not is a mistake.
                raise SlackRefused("channel_not_found", rule=None if writing else "")
            found = self.world.channels.add(name)
        if writing and found.archived:
            raise SlackRefused("is_archived")
        if writing and not found.member:
            raise SlackRefused("not_in_channel")
        return found

    def post(self, args: Args) -> dict[str, Any]:
        channel = self.channel(args, writing=True)
        text, parsed, attachments, metadata = content(args)
        parent = self._parent(channel, args.get("thread_ts"))
        self._pace(channel)
        now = self.world.now()
        message = Message(
            ts=self.world.channels.next_ts(now), text=text, blocks=parsed, attachments=attachments, metadata=metadata,
            thread_ts=parent.ts if parent else None, broadcast=_flag(args.get("reply_broadcast")),
        )  # fmt: skip
        (parent.replies if parent else channel.messages).append(message)
        self.world.changed()
        return {"channel": channel.id, "ts": message.ts, "message": message.plain(metadata=True)}

    def update(self, args: Args) -> dict[str, Any]:
        channel = self.channel(args, writing=True)
        message = self._message(channel, args.get("ts"))
        text, parsed, attachments, metadata = content(args)
        wait = self.world.updates.take("updates", self.world.now()) if self.world.options.slack_interval else 0
        if wait:
            raise SlackRefused("ratelimited", rule="", retry_after=math.ceil(wait))
        # What is left out stays as it was; an empty list takes it away.
        message.text = text if "text" in args else message.text
        message.blocks = parsed if "blocks" in args else message.blocks
        message.attachments = attachments if "attachments" in args else message.attachments
        message.metadata = metadata if args.get("metadata") not in (None, "") else message.metadata
        message.edited = self.world.channels.next_ts(self.world.now())
        message.edits += 1
        self.world.changed()
        return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": message.plain(metadata=True)}

    def delete(self, args: Args) -> dict[str, Any]:
        channel = self.channel(args, writing=True)
        message = self._message(channel, args.get("ts"))
        channel.remove(message)
        self.world.changed()
        return {"channel": channel.id, "ts": message.ts}

    def _pace(self, channel: Channel) -> None:
        wait = self.world.spacing.take(channel.id, self.world.options.slack_interval, self.world.now())
        if wait:
            raise SlackRefused("ratelimited", rule="", retry_after=wait)

    def _message(self, channel: Channel, ts: Any) -> Message:
        found = channel.find(ts) if isinstance(ts, str) else None
        if found is None:
            raise SlackRefused("message_not_found")
        return found

    def _parent(self, channel: Channel, thread_ts: Any) -> Message | None:
        if thread_ts in (None, ""):
            return None
        seconds, _, micros = str(thread_ts).partition(".")
        if not (seconds.isdecimal() and micros.isdecimal() and len(micros) == 6):
            raise SlackRefused("invalid_thread_ts")
        found = channel.find(str(thread_ts))
        if found is None:
            raise SlackRefused("thread_not_found")
        if found.thread_ts:
            raise SlackRefused("cannot_reply_to_message")
        return found


def arguments(call: Call) -> Args:
    """The arguments of a call, from the query, a form or a JSON body.

    :raises SlackRefused: a body that is neither.
    """
    args: Args = dict(call.query)
    if call.method == "GET":
        return args
    if call.method != "POST":
        raise SlackRefused("invalid_post_type", messages=[f"[ERROR] method {call.method}"])
    kind = call.headers.get("content-type", "").split(";")[0].strip().lower()
    if not call.body:
        return args
    if kind == "application/json":
        try:
            given = parse_json(call.body)
        except ValueError:
            raise SlackRefused("invalid_json") from None
        if not isinstance(given, dict):
            raise SlackRefused("json_not_object")
        return {**args, **{key: value for key, value in given.items() if value is not None}}
    if kind == "application/x-www-form-urlencoded":
        return {**args, **dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))}
    raise SlackRefused("invalid_post_type")


def content(args: Args) -> tuple[str, list[dict[str, Any]], list[dict[str, Any]], dict[str, Any] | None]:
    """Text, blocks, attachments and metadata of a message.

    :raises SlackRefused: one of them breaks a rule, or there is nothing to say.
    """
    text = args.get("text") or ""
    if not isinstance(text, str):
        raise SlackRefused("invalid_arguments", messages=["[ERROR] text must be a string [json-pointer:/text]"])
    if len(text) > TEXT_LIMIT:
        raise SlackRefused("msg_too_long")
    parsed, faults = blocks.parse(args.get("blocks"))
    if parsed is None:
        error = "invalid_blocks" if faults else "invalid_blocks_format"
        raise SlackRefused(error, messages=[f"[ERROR] {fault}" for fault in faults], extra={"errors": faults})
    if blocks.weight(parsed) > blocks.MAX_WEIGHT:
        raise SlackRefused("msg_blocks_too_long")
    attachments = _listed(args.get("attachments"))
    for number, attachment in enumerate(attachments):
        inner, faults = blocks.parse(attachment.get("blocks"))
        if inner is None:
            lines = [f"[ERROR] attachment {number}: {fault}" for fault in faults]
            raise SlackRefused("invalid_attachments", messages=lines)
        if inner:
            attachment["blocks"] = inner
    if not text.strip() and not parsed and not attachments:
        raise SlackRefused("no_text")
    return text, parsed, attachments, _metadata(args.get("metadata"))


def _listed(value: Any) -> list[dict[str, Any]]:
    if value in (None, ""):
        return []
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError:
            raise SlackRefused("invalid_attachments") from None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise SlackRefused("invalid_attachments")
    if len(value) > 100:
        raise SlackRefused("too_many_attachments")
    return value


def _metadata(value: Any) -> dict[str, Any] | None:
    if value in (None, ""):
        return None
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError:
            raise SlackRefused("invalid_metadata_format") from None
    if not isinstance(value, dict) or set(value) - {"event_type", "event_payload"}:
        raise SlackRefused("invalid_metadata_format")
    if not isinstance(value.get("event_type"), str) or not isinstance(value.get("event_payload"), dict):
        raise SlackRefused("invalid_metadata_schema")
    if len(json.dumps(value)) > METADATA_LIMIT:
        raise SlackRefused("metadata_too_large")
    return value


def _is_id(name: str) -> bool:
    return len(name) >= 9 and name[0] in "CGD" and name.isalnum() and name == name.upper()


def _flag(value: Any) -> bool:
    return value in (True, "true", "True", "1")
