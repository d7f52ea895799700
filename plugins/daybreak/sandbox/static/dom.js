// Building blocks. Nothing here (or anywhere on the page) takes HTML: text goes in as text.

/** An element with attributes and children; null and false children are left out. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** The address if a link may go there, else null: no javascript:, no data:. */
export function safeUrl(text) {
  try {
    const url = new URL(text);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** A link, or plain text where the address is none to go to. */
export function link(href, label, attributes = {}) {
  const url = safeUrl(href);
  if (!url) return el("span", attributes, label);
  return el("a", { ...attributes, href: url, target: "_blank", rel: "noopener noreferrer" }, label);
}

/** Text with the addresses in it made links. */
export function linked(text) {
  return String(text).split(/(https?:\/\/[^\s<>"]+)/).map((part, n) => {
    if (n % 2 === 0) return part;
    const tail = part.match(/[.,;:)\]]*$/)[0];
    const url = part.slice(0, part.length - tail.length);
    return [link(url, url), tail];
  }).flat();
}

/** A moment as a clock time, with how long ago it was. */
export function moment(iso) {
  if (!iso) return null;
  const at = new Date(iso);
  const shown = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  return el("time", { datetime: iso, title: at.toLocaleString() }, shown, " ", el("span", { class: "ago", "data-at": iso }, ago(at)));
}

export function ago(at) {
  const seconds = Math.max(0, Math.round((Date.now() - at.getTime()) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

/**
 * Put `rows` into `parent`, in order, making a node again only when what it shows has changed. So a reader's
 * selection, focus and opened details outlive the arrival of something new.
 */
export function keyed(parent, rows, key, render) {
  const known = parent.known ?? (parent.known = new Map());
  const wanted = new Set();
  let before = parent.firstChild;
  for (const row of rows) {
    const name = key(row);
    wanted.add(name);
    const text = JSON.stringify(row);
    let entry = known.get(name);
    if (!entry || entry.text !== text) {
      const node = render(row, entry?.node ?? null);
      if (entry) {
        if (before === entry.node) before = node;
        entry.node.replaceWith(node);
      }
      entry = { node, text };
      known.set(name, entry);
    }
    if (entry.node === before) before = before.nextSibling;
    else parent.insertBefore(entry.node, before);
  }
  for (const [name, entry] of known) {
    if (!wanted.has(name)) {
      entry.node.remove();
      known.delete(name);
    }
  }
}
