// Channels and threads as people see them in Slack.

import { el, keyed, link, moment, safeUrl } from "./dom.js";
import { mrkdwn, plain } from "./mrkdwn.js";

const folded = new Set();

/** Show the channels that hold something matching `text`; the number of messages shown is the result. */
export function showChannels(parent, channels, names, text) {
  let count = 0;
  const rows = channels.map((channel) => ({ ...channel, messages: channel.messages.filter((each) => wanted(each, channel, text)) }))
    .filter((channel) => channel.messages.length || (!text && (channel.archived || !channel.member)))
    .sort((a, b) => latest(b).localeCompare(latest(a)));
  for (const channel of rows) count += channel.messages.reduce((sum, each) => sum + 1 + each.replies.length, 0);
  keyed(parent, rows, (channel) => channel.id, (channel, old) => show(channel, old, names));
  return count;
}

const wanted = (message, channel, text) => !text || channel.name.toLowerCase().includes(text) || JSON.stringify(message).toLowerCase().includes(text);
const latest = (channel) => channel.messages.flatMap((each) => [each, ...each.replies]).reduce((last, each) => (each.ts > last ? each.ts : last), "");

function show(channel, old, names) {
  const flags = [channel.archived && "archived", !channel.member && "the bot is no member"].filter(Boolean);
  const list = old?.querySelector(".messages") ?? el("div", { class: "messages" });
  const last = channel.messages.length ? null : el("p", { class: "quiet" }, "Nothing here yet.");
  keyed(list, channel.messages.toReversed(), (each) => each.ts, (each) => thread(each, names));
  return el("section", { class: "channel", id: `channel-${channel.name}` },
    el("h3", {}, el("a", { href: `#channel-${channel.name}` }, `# ${channel.name}`), flags.length > 0 && el("span", { class: "chip" }, flags.join(", "))),
    last, list);
}

function thread(parent, names) {
  const count = parent.replies.length;
  const replies = count > 0 && el("details", { class: "thread", open: !folded.has(parent.ts) },
    el("summary", {}, `${count} ${count === 1 ? "reply" : "replies"}`),
    parent.replies.map((reply) => message(reply, names)));
  if (replies) replies.addEventListener("toggle", () => (replies.open ? folded.delete(parent.ts) : folded.add(parent.ts)));
  return el("article", { class: "post", id: `message-${parent.ts}` }, message(parent, names), replies);
}

function message(each, names) {
  const at = new Date(Number(each.ts.split(".")[0]) * 1000).toISOString();
  const content = each.blocks.length ? each.blocks.map((block) => blockOf(block, names)) : [el("div", { class: "text" }, mrkdwn(each.text, names))];
  return el("div", { class: "message-row" },
    el("div", { class: "avatar", "aria-hidden": "true" }, el("img", { src: "sandbox/static/icon.svg", alt: "", width: 24, height: 24 })),
    el("div", { class: "says" },
      el("div", { class: "by" }, el("b", {}, "Daybreak"), el("span", { class: "app" }, "APP"), moment(at),
        each.edited && el("span", { class: "edited" }, "(edited)"), each.broadcast && el("span", { class: "edited" }, "also sent to the channel")),
      content, each.attachments.map((attachment) => attached(attachment, names))));
}

function attached(attachment, names) {
  const box = el("div", { class: "attachment" },
    attachment.pretext && el("div", { class: "text" }, mrkdwn(attachment.pretext, names)),
    attachment.title && el("b", {}, plain(attachment.title)),
    attachment.text && el("div", { class: "text" }, mrkdwn(attachment.text, names)),
    Array.isArray(attachment.blocks) && attachment.blocks.map((block) => blockOf(block, names)),
    !attachment.blocks && !attachment.text && attachment.fallback && el("div", { class: "text" }, plain(attachment.fallback)));
  const colour = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" }[attachment.color] ?? attachment.color;
  if (/^#?[0-9a-f]{6}$/i.test(colour ?? "")) box.style.borderLeftColor = colour.startsWith("#") ? colour : `#${colour}`;
  return box;
}

function textOf(object, names) {
  if (!object || typeof object.text !== "string") return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text, names) : [plain(object.text)];
}

function blockOf(block, names) {
  switch (block.type) {
    case "header": return el("div", { class: "header" }, textOf(block.text, names));
    case "divider": return el("hr");
    case "section": return el("div", { class: "section" },
      el("div", {},
        block.text && el("div", { class: "text" }, textOf(block.text, names)),
        block.fields && el("div", { class: "fields" }, block.fields.map((field) => el("div", { class: "text" }, textOf(field, names))))),
      block.accessory && element(block.accessory));
    case "context": return el("div", { class: "context" }, block.elements.map((each) => each.type === "image" ? picture(each) : el("span", {}, textOf(each, names))));
    case "actions": return el("div", { class: "actions" }, block.elements.map(element));
    case "image": return picture(block);
    case "rich_text": return el("div", { class: "text" }, runs(block.elements, names));
    default: return el("div", { class: "quiet" }, `[${block.type}]`);
  }
}

function element(each) {
  if (each.type === "image") return picture(each);
  const label = plain(each.text?.text ?? "");
  const look = `button ${each.style === "primary" || each.style === "danger" ? each.style : ""}`;
  return each.url && safeUrl(each.url) ? link(each.url, label, { class: look }) : el("span", { class: `${look} dead`, title: "a button without a link" }, label);
}

// Images of others are not loaded (the policy forbids it): their text stands for them.
function picture(each) {
  return el("span", { class: "chip", title: String(each.image_url ?? "") }, `image: ${each.alt_text ?? ""}`);
}

function runs(elements, names) {
  if (!Array.isArray(elements)) return [];
  return elements.flatMap((each) => {
    if (each.elements) return [el(each.type === "rich_text_preformatted" ? "pre" : each.type === "rich_text_quote" ? "blockquote" : "div", {}, runs(each.elements, names))];
    if (each.type === "link") return [link(each.url, each.text || each.url)];
    if (each.type === "user") return mrkdwn(`<@${each.user_id}>`, names);
    if (each.type === "usergroup") return mrkdwn(`<!subteam^${each.usergroup_id}>`, names);
    if (each.type === "emoji") return [plain(`:${each.name}:`)];
    const tag = each.style?.code ? "code" : each.style?.bold ? "strong" : each.style?.italic ? "em" : "span";
    return [el(tag, {}, String(each.text ?? ""))];
  });
}
