"""Block Kit's rules, as far as a bot that writes messages meets them. A fault is a line with its JSON pointer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daybreak.sandbox.routing import parse_json

MAX_BLOCKS = 50
MAX_WEIGHT = 13_200  # Slack documents the error (msg_blocks_too_long), not the number: this is what people have met
Found = list[str]


def parse(value: Any) -> tuple[list[dict[str, Any]] | None, Found]:
    """Blocks from a list or from JSON text; None with the faults where they are not in order."""
    if value in (None, ""):
        return [], []
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError:
            return None, []
    if not isinstance(value, list) or not all(isinstance(block, dict) for block in value):
        return None, []
    if len(value) > MAX_BLOCKS:
        return None, [f"no more than {MAX_BLOCKS} items allowed [json-pointer:/blocks]"]
    found: Found = []
    seen: set[str] = set()
    for number, block in enumerate(value):
        at = f"/blocks/{number}"
        check = CHECKS.get(str(block.get("type")))
        if check is None:
            found.append(f"unsupported type: {block.get('type')} [json-pointer:{at}/type]")
            continue
        check(block, at, found)
        name = block.get("block_id")
        if name is not None and (not isinstance(name, str) or len(name) > 255 or name in seen):
            found.append(f"block_id must be a unique string of at most 255 characters [json-pointer:{at}/block_id]")
        elif name is not None:
            seen.add(name)
    return (None, found) if found else (value, [])


def weight(value: Any) -> int:
    """The characters of all texts in ``value``, as far as they count towards :data:`MAX_WEIGHT`."""
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(weight(item) for item in value.values())
    return sum(weight(item) for item in value) if isinstance(value, list) else 0


def _text(value: Any, at: str, found: Found, limit: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> None:
    if not isinstance(value, dict) or value.get("type") not in kinds:
        found.append(f"must be a text object of type {' or '.join(kinds)} [json-pointer:{at}]")
        return
    text = value.get("text")
    if not isinstance(text, str) or not text:
        found.append(f"must be more than 0 characters [json-pointer:{at}/text]")
    elif len(text) > limit:
        found.append(f"must be less than {limit + 1} characters [json-pointer:{at}/text]")
    extra = set(value) - {"type", "text", "emoji", "verbatim"}
    if extra:
        found.append(f"no additional properties allowed: {', '.join(sorted(extra))} [json-pointer:{at}]")


def _section(block: dict[str, Any], at: str, found: Found) -> None:
    if "text" not in block and "fields" not in block:
        found.append(f"missing required field: text or fields [json-pointer:{at}]")
    if "text" in block:
        _text(block["text"], f"{at}/text", found, 3000)
    fields = block.get("fields", [{}])
    if not isinstance(fields, list) or not 1 <= len(fields) <= 10:
        found.append(f"must have 1 to 10 items [json-pointer:{at}/fields]")
    elif "fields" in block:
        for number, field in enumerate(fields):
            _text(field, f"{at}/fields/{number}", found, 2000)
    if "accessory" in block:
        _element(block["accessory"], f"{at}/accessory", found)


def _header(block: dict[str, Any], at: str, found: Found) -> None:
    _text(block.get("text"), f"{at}/text", found, 150, ("plain_text",))


def _context(block: dict[str, Any], at: str, found: Found) -> None:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= 10:
        found.append(f"must have 1 to 10 items [json-pointer:{at}/elements]")
        return
    for number, element in enumerate(elements):
        if isinstance(element, dict) and element.get("type") == "image":
            _image(element, f"{at}/elements/{number}", found)
        else:
            _text(element, f"{at}/elements/{number}", found, 3000)


def _actions(block: dict[str, Any], at: str, found: Found) -> None:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= 25:
        found.append(f"must have 1 to 25 items [json-pointer:{at}/elements]")
        return
    names = [element.get("action_id") for element in elements if isinstance(element, dict) and "action_id" in element]
    if len(names) != len(set(map(str, names))):
        found.append(f"action_id must be unique [json-pointer:{at}/elements]")
    for number, element in enumerate(elements):
        _element(element, f"{at}/elements/{number}", found)


def _element(element: Any, at: str, found: Found) -> None:
    kind = element.get("type") if isinstance(element, dict) else None
    if kind == "image":
        _image(element, at, found)
        return
    if kind != "button":  # Daybreak's people click links; pickers and menus are not served here
        found.append(f"unsupported element type: {kind} [json-pointer:{at}/type]")
        return
    _text(element.get("text"), f"{at}/text", found, 75, ("plain_text",))
    if "url" in element:
        _url(element["url"], f"{at}/url", found)
    for name, limit in (("action_id", 255), ("value", 2000)):
        value = element.get(name, "")
        if not isinstance(value, str) or len(value) > limit:
            found.append(f"must be a string of at most {limit} characters [json-pointer:{at}/{name}]")
    if element.get("style", "primary") not in ("primary", "danger"):
        found.append(f"must be primary or danger [json-pointer:{at}/style]")


def _url(value: Any, at: str, found: Found) -> None:
    if not isinstance(value, str) or not value.startswith(("https://", "http://", "mailto:", "slack:")):
        found.append(f"invalid url [json-pointer:{at}]")
    elif len(value) > 3000:
        found.append(f"must be less than 3001 characters [json-pointer:{at}]")


def _image(block: dict[str, Any], at: str, found: Found) -> None:
    _url(block.get("image_url"), f"{at}/image_url", found)
    if not isinstance(block.get("alt_text"), str) or len(block["alt_text"]) > 2000:
        found.append(f"must be a string of at most 2000 characters [json-pointer:{at}/alt_text]")


def _rich_text(block: dict[str, Any], at: str, found: Found) -> None:
    if not isinstance(block.get("elements"), list):
        found.append(f"missing required field: elements [json-pointer:{at}]")


CHECKS: dict[str, Callable[[dict[str, Any], str, Found], None]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "divider": lambda block, at, found: None,
    "image": _image,
    "rich_text": _rich_text,
}
