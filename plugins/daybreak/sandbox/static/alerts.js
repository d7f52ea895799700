// Alerts as Opsgenie's own list shows them: what, how bad, whose, since when, and everything else on opening.

import { el, keyed, linked, moment } from "./dom.js";

const opened = new Set();
const SHOWN = 200; // a thousand cards at once help nobody; the filter finds the rest

/** Show `alerts`, newest first, as far as they match; `act(alert, action)` does what a button says. */
export function showAlerts(parent, alerts, { text, show, people, highlight, act }) {
  const rows = alerts.filter((alert) => wanted(alert, text, show)).reverse();
  const page = rows.slice(0, SHOWN);
  keyed(parent, page, (alert) => alert.id, (alert, old) => card(alert, old, { people, highlight, act }));
  return { shown: page.length, matching: rows.length };
}

function wanted(alert, text, show) {
  if (show === "open" && alert.status !== "open") return false;
  if (show === "closed" && alert.status !== "closed") return false;
  if (show === "unacknowledged" && (alert.status !== "open" || alert.acknowledged)) return false;
  return !text || JSON.stringify(alert).toLowerCase().includes(text);
}

export function stateOf(alert) {
  if (alert.status === "closed") return "closed";
  return alert.acknowledged ? "acknowledged" : "open";
}

function card(alert, old, { people, highlight, act }) {
  const state = stateOf(alert);
  const anchor = `alert-${alert.tinyId}`;
  if (highlight === anchor && !old) opened.add(alert.id);
  const heading = el("summary", {},
    el("span", { class: `priority ${alert.priority.toLowerCase()}` }, alert.priority),
    el("span", { class: "what" },
      el("span", { class: "message" }, alert.message),
      el("span", { class: "line" },
        el("span", { class: `state ${state}` }, state),
        alert.count > 1 && el("span", { class: "count", title: "times that it was raised" }, `×${alert.count}`),
        moment(alert.createdAt),
        alert.responders.map((each) => el("span", { class: "chip who", title: `${each.type} ${each.username || each.name || each.id}` }, nameOf(each, people))),
        alert.tags.map((tag) => el("span", { class: "chip" }, tag)))),
    el("a", { class: "anchor", href: `#${anchor}`, title: "Link to this alert", "aria-label": `Link to alert ${alert.tinyId}` }, `#${alert.tinyId}`));
  const box = el("details", { class: `alert ${alert.priority.toLowerCase()} is-${state}`, id: anchor, open: opened.has(alert.id) },
    heading, body(alert, state, act));
  box.addEventListener("toggle", () => (box.open ? opened.add(alert.id) : opened.delete(alert.id)));
  return box;
}

function nameOf(responder, people) {
  const name = people[responder.username] || responder.username || responder.name || responder.id;
  return responder.type === "user" ? name : `${responder.type}: ${name}`;
}

function body(alert, state, act) {
  const button = (action, label) => el("button", { type: "button", onclick: () => act(alert, action) }, label);
  return el("div", { class: "inside" },
    state !== "closed" && el("div", { class: "buttons" },
      state === "open" ? button("acknowledge", "Acknowledge") : button("unacknowledge", "Take back"),
      button("close", "Close")),
    alert.description && el("div", { class: "description" }, linked(alert.description)),
    pairs({ ...alert.details }),
    alert.notes.length > 0 && [el("h3", {}, "Notes"), el("ul", { class: "notes" }, alert.notes.map((note) =>
      el("li", {}, moment(note.createdAt), " ", note.owner && el("b", {}, note.owner), el("div", { class: "note" }, linked(note.note)))))],
    el("h3", {}, "History"),
    el("ol", { class: "history" }, alert.log.map((row) => el("li", {}, moment(row.at), " ", el("span", {}, row.log), row.owner && el("i", {}, ` ${row.owner}`)))),
    el("dl", { class: "facts" },
      fact("alias", alert.alias), fact("source", alert.sources.join(", ")), fact("arrived by", alert.via),
      fact("entity", alert.entity), fact("owner", alert.owner), fact("acknowledged by", alert.acknowledgedBy), fact("closed by", alert.closedBy)));
}

function pairs(details) {
  const rows = Object.entries(details);
  if (!rows.length) return null;
  return el("dl", { class: "facts details" }, rows.map(([key, value]) => fact(key, value)));
}

function fact(name, value) {
  return value ? el("div", {}, el("dt", {}, name), el("dd", {}, linked(value))) : null;
}
