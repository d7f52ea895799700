// Slack's mrkdwn as nodes. The text is hostile: it is cut into pieces, and each piece goes in as text.

import { el, link } from "./dom.js";

const EMOJI = {
  rotating_light: "🚨", warning: "⚠️", white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", red_circle: "🔴",
  large_orange_circle: "🟠", large_yellow_circle: "🟡", large_green_circle: "🟢", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", bell: "🔔", no_bell: "🔕", book: "📖", eyes: "👀", ticket: "🎫", clock9: "🕘",
  sunrise: "🌅", calendar: "📅", arrow_right: "➡️", information_source: "ℹ️", zzz: "💤", wave: "👋", fire: "🔥",
};
const STYLES = { "*": "strong", _: "em", "~": "del" };
// In this order: what stands inside code or <...> is not styled.
const PIECE = /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>|:([a-z0-9_+-]+):|(^|[\s(\[{"'.,;:!?—–-])([*_~])(?=\S)([^\n]*?\S)\6(?=$|[\s)\]}"'.,;:!?—–-])/;

const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/** Nodes for `text`; `names` maps ids of people, groups and channels to what to show. */
export function mrkdwn(text, names) {
  const out = [];
  for (const block of quoted(String(text))) {
    if (block.quote) out.push(el("blockquote", {}, inline(block.text, names)));
    else out.push(...inline(block.text, names));
  }
  return out;
}

/** plain_text: emoji names and nothing else. */
export function plain(text) {
  return unescape(String(text)).replace(/:([a-z0-9_+-]+):/g, (whole, name) => (Object.hasOwn(EMOJI, name) ? EMOJI[name] : whole));
}

function quoted(text) {
  const blocks = [];
  for (const line of text.split("\n")) {
    const quote = /^(&gt;|>)\s?/.test(line);
    const shown = quote ? line.replace(/^(&gt;|>)\s?/, "") : line;
    const last = blocks.at(-1);
    if (last && last.quote === quote) last.text += "\n" + shown;
    else blocks.push({ quote, text: shown });
  }
  return blocks;
}

function inline(text, names) {
  const out = [];
  let rest = text;
  while (rest) {
    const found = PIECE.exec(rest);
    if (!found) {
      out.push(unescape(rest));
      break;
    }
    if (found.index) out.push(unescape(rest.slice(0, found.index)));
    out.push(...piece(found, names));
    rest = rest.slice(found.index + found[0].length);
    if (found[1] !== undefined) rest = rest.replace(/^\n/, ""); // a code block ends its own line
  }
  return out;
}

function piece(found, names) {
  const [whole, pre, code, angle, emoji, lead, mark, styled] = found;
  if (pre !== undefined) return [el("pre", {}, unescape(pre.replace(/^\n/, "")))];
  if (code !== undefined) return [el("code", {}, unescape(code))];
  if (angle !== undefined) return [angled(angle, names)];
  if (emoji !== undefined) return [Object.hasOwn(EMOJI, emoji) ? EMOJI[emoji] : whole];
  return [lead, el(STYLES[mark], {}, inline(styled, names))];
}

function angled(inner, names) {
  const bar = inner.indexOf("|");
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? "" : inner.slice(bar + 1);
  const mention = (sign, name) => el("span", { class: "mention", title: target }, sign + name);
  if (target.startsWith("@")) return mention("@", names.users[target.slice(1)] || label || target.slice(1));
  if (target.startsWith("#")) return mention("#", names.channels[target.slice(1)] || label || target.slice(1));
  if (target.startsWith("!subteam^")) {
    const id = target.slice("!subteam^".length);
    return mention("@", names.groups[id] || label.replace(/^@/, "") || id);
  }
  if (target.startsWith("!date^")) return el("span", {}, unescape(label || target));
  if (target.startsWith("!")) return el("span", { class: "mention loud" }, "@" + target.slice(1));
  return link(unescape(target), unescape(label || target));
}
