"""Slack's look-ups: channels, history, threads, people and groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from daybreak.sandbox.answers import SlackRefused
from daybreak.sandbox.channels import BOT_USER, TEAM_ID, Channel, Message
from daybreak.sandbox.world import World

Args = dict[str, Any]


class FindChannel(Protocol):
    def __call__(self, args: Args, *, writing: bool = False) -> Channel: ...


class SlackReads:
    """``methods`` holds the handlers by the method's name."""

    def __init__(self, world: World, channel: FindChannel) -> None:
        self.world = world
        self.channel = channel
        self.methods: dict[str, Callable[[Args], dict[str, Any]]] = {
            "chat.getPermalink": self.permalink,
            "conversations.list": self.conversations,
            "conversations.info": self.info,
            "conversations.join": self.join,
            "conversations.history": self.history,
            "conversations.replies": self.replies,
            "users.info": self.user,
            "users.list": self.users,
            "users.lookupByEmail": self.by_email,
            "usergroups.list": self.groups,
        }

    def permalink(self, args: Args) -> dict[str, Any]:
        channel = self.channel(args)
        message = channel.find(str(args.get("message_ts")))
        if message is None:
            raise SlackRefused("message_not_found")
        link = f"https://sandbox.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
        return {"channel": channel.id, "permalink": link}

    def conversations(self, args: Args) -> dict[str, Any]:
        found = list(self.world.channels.known.values())
        if str(args.get("exclude_archived", "")).lower() in ("true", "1"):
            found = [channel for channel in found if not channel.archived]
        page, cursor = _page(found, args, most=1000, usual=100)
        shown = [self._shown(channel) for channel in page]
        return {"channels": shown, "response_metadata": {"next_cursor": cursor}}

    def info(self, args: Args) -> dict[str, Any]:
        return {"channel": self._shown(self.channel(args))}

    def _shown(self, channel: Channel) -> dict[str, Any]:
        faulty = self.world.faults.active("slack", "archived_channel")
        return {**channel.plain(), "is_archived": channel.archived or faulty}

    def join(self, args: Args) -> dict[str, Any]:
        channel = self.channel(args)
        if channel.archived:
            raise SlackRefused("is_archived")
        channel.member = True
        self.world.changed()
        return {"channel": channel.plain()}

    def history(self, args: Args) -> dict[str, Any]:
        """Newest first, parents (and replies that were sent to the channel as well) only."""
        channel = self._readable(args)
        broadcast = [reply for parent in channel.messages for reply in parent.replies if reply.broadcast]
        found = sorted([*channel.messages, *broadcast], key=lambda message: message.ts, reverse=True)
        return self._messages(found, args)

    def replies(self, args: Args) -> dict[str, Any]:
        """The parent, then its replies, oldest first."""
        channel = self._readable(args)
        parent = channel.find(str(args.get("ts")))
        if parent is None:
            raise SlackRefused("thread_not_found")
        return self._messages([parent, *parent.replies], args)

    def _readable(self, args: Args) -> Channel:
        channel = self.channel(args)
        if not channel.member:
            raise SlackRefused("not_in_channel")
        return channel

    def _messages(self, found: list[Message], args: Args) -> dict[str, Any]:
        oldest, latest = str(args.get("oldest") or ""), str(args.get("latest") or "")
        inclusive = _true(args.get("inclusive"))
        found = [each for each in found if _within(each.ts, oldest, latest, inclusive)]
        page, cursor = _page(found, args, most=999, usual=100)
        with_metadata = _true(args.get("include_all_metadata"))
        return {
            "messages": [message.plain(metadata=with_metadata) for message in page],
            "has_more": bool(cursor),
            "response_metadata": {"next_cursor": cursor},
        }

    def user(self, args: Args) -> dict[str, Any]:
        number = str(args.get("user") or "")
        if not self._exists(number):
            raise SlackRefused("user_not_found", rule="")
        return {"user": self._person(number)}

    def users(self, args: Args) -> dict[str, Any]:
        page, cursor = _page([BOT_USER, *self.world.directory.slack_users], args, most=1000, usual=100)
        return {"members": [self._person(each) for each in page], "response_metadata": {"next_cursor": cursor}}

    def by_email(self, args: Args) -> dict[str, Any]:
        number = self.world.directory.slack_emails.get(str(args.get("email") or ""))
        if number is None:
            raise SlackRefused("users_not_found", rule="")
        return {"user": self._person(number)}

    def groups(self, args: Args) -> dict[str, Any]:
        rows = self.world.directory.slack_groups
        return {"usergroups": [{"id": each, "team_id": TEAM_ID, "name": rows[each]} for each in rows]}

    def _exists(self, number: str) -> bool:
        known = number == BOT_USER or number in self.world.directory.slack_users
        return known or (not self.world.options.strict and number.startswith(("U", "W")))

    def _person(self, number: str) -> dict[str, Any]:
        name = "daybreak" if number == BOT_USER else self.world.directory.slack_users.get(number) or number
        profile = {"real_name": name, "display_name": name}
        return {
            "id": number, "team_id": TEAM_ID, "name": name, "real_name": name, "deleted": False,
            "is_bot": number == BOT_USER, "profile": profile,
        }  # fmt: skip


def _true(value: Any) -> bool:
    return str(value).lower() in ("true", "1")


def _within(ts: str, oldest: str, latest: str, inclusive: bool) -> bool:
    """Times are compared as (seconds, fraction), so that "5" and "5.000000" are the same."""
    here = _moment(ts)
    if oldest and (here < _moment(oldest) or (here == _moment(oldest) and not inclusive)):
        return False
    return not (latest and (here > _moment(latest) or (here == _moment(latest) and not inclusive)))


def _moment(ts: str) -> tuple[int, int]:
    seconds, _, fraction = ts.partition(".")
    try:
        return int(seconds or 0), int((fraction + "000000")[:6])
    except ValueError:
        raise SlackRefused("invalid_ts_oldest") from None


def _page(rows: list[Any], args: Args, *, most: int, usual: int) -> tuple[list[Any], str]:
    """One page of ``rows`` and the cursor of the next, "" at the end."""
    try:
        limit = int(args.get("limit") or usual)
        start = int(args.get("cursor") or 0)
    except ValueError:
        raise SlackRefused("invalid_cursor") from None
    if not 1 <= limit <= most:
        raise SlackRefused("invalid_limit")
    end = start + limit
    return rows[start:end], str(end) if end < len(rows) else ""
