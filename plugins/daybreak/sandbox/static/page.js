// Asks for the state once a second (an unchanged one costs a 304) and shows it.

import { ago, el, keyed, moment } from "./dom.js";
import { showAlerts } from "./alerts.js";
import { showChannels } from "./slack.js";

const $ = (id) => document.getElementById(id);
const POLL_MS = 1000;
let state = null;
let tag = "";
let failures = 0;

async function poll() {
  try {
    const answer = await fetch("sandbox/state", { cache: "no-store", headers: tag ? { "If-None-Match": tag } : {} });
    if (answer.status === 200) {
      tag = answer.headers.get("ETag") ?? "";
      state = await answer.json();
      render();
    }
    failures = 0;
    $("live").textContent = "live";
    $("live").classList.remove("lost");
  } catch {
    failures += 1;
    tag = "";
    $("live").textContent = failures > 1 ? "the sandbox does not answer" : "connecting";
    $("live").classList.toggle("lost", failures > 1);
  }
  for (const node of document.querySelectorAll("[data-at]")) node.textContent = ago(new Date(node.dataset.at));
  setTimeout(poll, document.hidden ? 3 * POLL_MS : POLL_MS);
}

function render() {
  const text = $("filter").value.trim().toLowerCase();
  const names = {
    users: state.directory.slack_users,
    groups: state.directory.slack_groups,
    channels: Object.fromEntries(state.slack.channels.map((channel) => [channel.id, channel.name])),
  };
  const { shown, matching } = showAlerts($("alert-list"), state.alerts, { text, show: $("show").value, people: state.directory.users, highlight: location.hash.slice(1), act });
  const messages = showChannels($("channel-list"), state.slack.channels, names, text);
  const open = state.alerts.filter((alert) => alert.status === "open").length;
  $("alerts-sum").textContent = state.alerts.length ? `${open} open of ${state.alerts.length}` + (matching > shown ? `, the newest ${shown} shown` : "") : "";
  $("alert-count").textContent = open;
  $("slack-count").textContent = messages;
  const quiet = state.slack.channels.filter((channel) => !channel.messages.length).map((channel) => `#${channel.name}`);
  $("channels-quiet").textContent = messages && quiet.length && !text ? `Quiet: ${quiet.join(", ")}` : "";
  document.title = open ? `(${open}) Daybreak sandbox` : "Daybreak sandbox";
  empty("alert-list", !shown, state.alerts.length ? "No alert matches." : null);
  empty("channel-list", !messages, text ? "No message matches." : null);
  heartbeats();
  notices();
  people();
}

function empty(id, isEmpty, reason) {
  const box = $(id);
  const old = box.parentNode.querySelector(":scope > .empty");
  old?.remove();
  if (!isEmpty) return;
  const hint = id === "alert-list"
    ? ["No alert has arrived yet.", "Let Airflow's connection ", el("code", {}, "opsgenie_default"), " have this host: ", el("code", {}, location.origin)]
    : ["No message has arrived yet.", "Let Airflow's connection ", el("code", {}, "slack_api_default"), " have this base_url: ", el("code", {}, `${location.origin}/api/`)];
  box.after(el("div", { class: "empty" }, reason ? el("p", {}, reason) : [el("p", { class: "big" }, hint[0]), el("p", {}, hint.slice(1)), el("p", {}, "The lines to copy are in the terminal that started this.")]));
}

function heartbeats() {
  keyed($("heartbeats"), state.heartbeats, (beat) => beat.name, (beat) => {
    const look = beat.expired ? "expired" : beat.lastPingTime ? "alive" : "idle";
    const says = { expired: "expired", alive: "alive", idle: "waits for its first ping" }[look];
    return el("span", { class: `heartbeat ${look}` }, "♥ ", el("b", {}, beat.name), ` ${says} `, moment(beat.lastPingTime));
  });
}

function notices() {
  const rows = [];
  if (state.faults.length) rows.push({ kind: "faults", rows: state.faults });
  if (state.violations.length) rows.push({ kind: "violations", rows: state.violations });
  keyed($("notices"), rows, (row) => row.kind, (row, old) => {
    const count = row.rows.length;
    const title = row.kind === "faults"
      ? `${count} fault${count === 1 ? " is" : "s are"} switched on`
      : `${count} rule${count === 1 ? " was" : "s were"} broken by a client`;
    const lines = row.kind === "faults"
      ? row.rows.map((each) => `${each.service}: ${each.mode}${each.match ? ` on ${each.match}` : ""}, ${each.remaining ?? "∞"} left, met ${each.hits} times`)
      : row.rows.toReversed().map((each) => `${each.service} ${each.method} ${each.path}: ${each.rule} (${each.detail})`);
    return el("details", { class: `notice ${row.kind}`, open: old?.open ?? false }, el("summary", {}, title), el("ul", {}, lines.map((line) => el("li", {}, line))));
  });
}

function people() {
  const found = new Set(Object.keys(state.directory.users));
  for (const alert of state.alerts) for (const each of alert.responders) if (each.username) found.add(each.username);
  const names = ["somebody@sandbox", ...[...found].sort()];
  const box = $("person");
  if (box.dataset.names === names.join("\n")) return;
  const chosen = box.value;
  box.replaceChildren(...names.map((name) => el("option", { value: name }, state.directory.users[name] ? `${state.directory.users[name]} (${name})` : name)));
  box.dataset.names = names.join("\n");
  if (names.includes(chosen)) box.value = chosen;
}

async function act(alert, action) {
  const answer = await fetch(`sandbox/alerts/${encodeURIComponent(alert.id)}/${action}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ user: $("person").value }),
  });
  if (!answer.ok) $("live").textContent = (await answer.json()).message;
  tag = "";
}

for (const id of ["filter", "show"]) $(id).addEventListener("input", () => state && render());
for (const button of document.querySelectorAll(".tabs button")) {
  button.addEventListener("click", () => {
    document.querySelector("main").dataset.part = button.dataset.part;
    for (const each of document.querySelectorAll(".tabs button")) each.setAttribute("aria-pressed", String(each === button));
  });
}
// An alert's anchor opens it, wherever it stands.
function follow() {
  const box = document.getElementById(location.hash.slice(1));
  if (box?.matches("details")) box.open = true;
  box?.scrollIntoView();
}
addEventListener("hashchange", follow);
await poll();
follow();
