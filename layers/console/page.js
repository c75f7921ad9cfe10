// The page's one script. What comes from the function is put in as text, never as markup, and nothing is kept in the browser.

/** The step that a group's `next` names as the first command of its text; to look at it, where none is named. */
export function stepOf(group) {
  const [, task, of] = /`make (inspect|resume)( GROUP=)?/.exec(group.next ?? "") ?? [null, "inspect", "GROUP="];
  if (task === "inspect") return { label: "Look at it", event: { task, GroupId: group.GroupId } };
  return of
    ? { label: "Resume it", event: { task, GroupId: group.GroupId } }
    : { label: "Resume every group", event: { task } };
}

/** The event that frees a frozen group: `release` with a verdict for each call that may have landed, else `adopt`. */
export function decisionOf(groupId, inspection, verdicts, dropsDebt) {
  const debt = dropsDebt ? { debt: "drop" } : {};
  if (inspection.to_be_judged.length === 0) return { task: "adopt", GroupId: groupId, ...debt };
  const receipt = Number.isSafeInteger(inspection.upstream.receipt) ? { receipt: inspection.upstream.receipt } : {};
  return { task: "release", GroupId: groupId, verdicts, ...receipt, ...debt };
}

/** A value as lines of name and text, for what needs no form of its own: nested names are joined. */
export function flat(value, name = "") {
  if (value === null || value === undefined) return [[name, "-"]];
  if (typeof value !== "object") return [[name, String(value)]];
  const parts = Object.entries(value);
  if (parts.length === 0) return [[name, "none"]];
  return parts.flatMap(([key, part]) => flat(part, name ? `${name} ${key}` : key));
}

const element = (id) => document.getElementById(id);
let token = "";
let keys = 0;
let latest = 0;
let shown = {};

function made(tag, fields = {}, ...parts) {
  const one = Object.assign(document.createElement(tag), fields);
  one.append(...parts);
  return one;
}

function button(label, act, className = "") {
  const one = made("button", { type: "button", className }, label);
  one.addEventListener("click", () => done(act));
  return one;
}

function list(value) {
  const pairs = flat(value).flatMap(([name, text]) => [made("dt", {}, name), made("dd", {}, text)]);
  return made("dl", {}, ...pairs);
}

function trouble(text) {
  element("trouble").textContent = text;
  element("trouble").hidden = text === "";
}

/** Runs what a button asks for, and shows why it failed. */
async function done(act) {
  trouble("");
  try {
    await act();
  } catch (error) {
    trouble(error.message);
  }
}

async function ask(path, fields) {
  const headers = { "Content-Type": "application/json", "Console-Token": token };
  const reply = await fetch(`console/${path}`, { method: "POST", headers, body: JSON.stringify(fields) });
  const answer = await reply.json();
  if (!reply.ok) throw new Error(answer.error);
  return answer;
}

/** Sends an operator event; one that changes something is sent after a yes only, and gives null without one. */
async function send(event) {
  const first = await ask("event", { event });
  if (!("asks" in first)) return first;
  if (!(await agreed(first))) return null;
  return ask("event", { event, agreed: true });
}

function agreed({ asks, facts }) {
  const dialog = element("consent");
  element("consequence").textContent = asks;
  element("facts").replaceChildren(list(facts));
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((settle) => {
    dialog.addEventListener("close", () => settle(dialog.returnValue === "yes"), { once: true });
  });
}

async function status(after) {
  const { answer, health } = await send({ task: "status", ...(after ? { after } : {}) });
  element("health").textContent = health;
  element("resume-all").hidden = answer.paused === null;
  element("attention").replaceChildren(...answer.attention.map(row));
  shown = { ...shown, after: answer.after };
  element("more").hidden = answer.after === null;
}

function row(group) {
  const step = stepOf(group);
  const act = () => (step.event.task === "inspect" ? inspect(group.GroupId) : changed(step.event));
  const state = group.reason ? `${group.state}: ${group.reason}` : group.state;
  const cells = [group.GroupId, state, group.since ?? "-", group.queued ?? "-", group.last_error ?? "-"];
  const next = made("td", {}, made("p", {}, group.next), button(step.label, act));
  next.querySelector("button").setAttribute("aria-label", `${step.label}: ${group.GroupId}`);
  return made("tr", {}, ...cells.map((cell) => made("td", {}, String(cell))), next);
}

/** Sends what changes something, and shows the numbers that follow from it. */
async function changed(event) {
  const sent = await send(event);
  if (sent !== null) await status();
  return sent;
}

async function inspect(groupId) {
  element("group").value = groupId;
  const { answer } = await send({ task: "inspect", GroupId: groupId });
  const { row: kept, upstream } = answer;
  const parts = {
    "Counters at the vendor": upstream,
    "Last known here": answer.last_known,
    "How they relate": answer.explanation,
    "Call under way": kept.attempt,
    "Queue": kept.queue,
    "Remembered calls": kept.remembered,
    "Held up by": { pause: answer.paused, waits_for: answer.waits_for, last_error: kept.last_error, failure: answer.last_failure },
    "Row": { version: kept.version, frozen: kept.frozen, frozen_at: kept.frozen_at, since: kept.since, debt: kept.debt },
  };
  const shownParts = Object.entries(parts).flatMap(([title, part]) => [made("h4", {}, title), list(part)]);
  element("found").replaceChildren(
    made("h3", {}, groupId), ...(kept.frozen ? [decision(groupId, answer)] : []), ...shownParts,
    ...(answer.paused ? [button("Resume it", () => changed({ task: "resume", GroupId: groupId }))] : []),
  );
  element("group-title").focus();
}

/** What a person has to judge about a frozen group, and the buttons for it. */
function decision(groupId, inspection) {
  const judged = inspection.to_be_judged.map((id, place) => verdict(id, place));
  const drop = made("input", { type: "checkbox" });
  const hasDebt = Object.keys(inspection.row.debt).length > 0;
  const debt = hasDebt ? [made("label", { className: "line" }, drop, "Give up what is owed back to the group")] : [];
  const said = made("p");
  said.setAttribute("role", "status");
  const event = () => {
    const verdicts = Object.fromEntries(judged.flatMap((one) => one.given()));
    if (Object.keys(verdicts).length < judged.length) throw new Error("Judge each operation first: landed, or not");
    return decisionOf(groupId, inspection, verdicts, drop.checked);
  };
  const tryOut = async () => {
    said.replaceChildren(list((await send({ ...event(), dry_run: true })).answer));
  };
  const decide = async () => {
    const sent = await changed(event());
    if (sent !== null) said.replaceChildren(list(sent.answer));
  };
  const isRelease = judged.length > 0;
  const sentences = inspection.hypotheses.map((one) => made("li", {}, one.in_words));
  const wait = inspection.ready_in_s > 0 ? `It can be decided in ${inspection.ready_in_s} s. ` : "";
  return made("article", {},
    made("p", {}, `${wait}Frozen: ${inspection.row.frozen}. Say of each operation whether the counters hold it already.`),
    made("ul", {}, ...sentences), ...judged.map((one) => one.fieldset), ...debt,
    made("div", { className: "line" },
      ...(isRelease ? [button("Try it: nothing is changed", tryOut)] : []),
      button(isRelease ? "Release the group" : "Adopt the receipt as it is", decide, "grave")),
    said);
}

function verdict(id, place) {
  const radios = ["landed", "not-landed"].map((value) => made("input", { type: "radio", name: `verdict-${place}`, value }));
  const labels = radios.map((radio) => made("label", { className: "line" }, radio, radio.value));
  const given = () => radios.filter((radio) => radio.checked).map((radio) => [id, radio.value]);
  return { fieldset: made("fieldset", {}, made("legend", {}, id), ...labels), given };
}

async function parked(after) {
  const { answer } = await send({ task: "parked", action: "list", ...(after ? { after } : {}) });
  shown = { ...shown, parked: answer.next };
  element("more-parked").hidden = answer.next === null;
  element("parked-said").textContent = answer.records.length === 0 ? "None is parked." : "";
  element("parked").replaceChildren(...answer.records.map(record));
}

function record({ payload, ...facts }) {
  const act = (action) => async () => {
    const sent = await changed({ task: "parked", action, id: facts.id });
    if (sent === null) return;
    await parked();
    element("parked-said").textContent = `${facts.id}: ${sentence(sent.answer)}`;
  };
  const text = typeof payload === "string" ? payload : JSON.stringify(payload, null, 2);
  const buttons = made("div", { className: "line" }, button("Replay", act("replay")), button("Drop", act("drop"), "grave"));
  for (const one of buttons.children) one.setAttribute("aria-label", `${one.textContent} ${facts.id}`);
  return made("article", {}, list(facts), made("pre", {}, text), buttons);
}

function sentence(answer) {
  return flat(answer).map(([name, text]) => `${name} ${text}`).join(", ");
}

async function replayAll() {
  const sent = await changed({ task: "parked", action: "replay", all: true });
  if (sent === null) return;
  await parked();
  element("parked-said").textContent = sentence(sent.answer);
}

/** Sends one increase to both sides at once; each answers in its own time. */
async function increase() {
  const key = element("key").value;
  const sides = ["ours", "theirs"].map((side) => ask("scene", { do: "increase", side, key }).finally(look));
  await look();
  await Promise.all(sides);
}

async function look() {
  const mine = ++latest;
  const scene = await ask("scene", { do: "look" });
  if (mine !== latest) return;
  for (const side of ["ours", "theirs"]) element(side).textContent = scene.counters[side];
  element("planned").textContent = scene.planned;
  for (const one of element("faults").children) {
    if (one.dataset.lasts === "true") one.setAttribute("aria-pressed", String(scene.lasting.includes(one.dataset.fault)));
  }
  const items = scene.events.map(({ side, text, wrong }) => {
    const who = made("strong", {}, side === "ours" ? "This function: " : "The record: ");
    return made("li", {}, made("div", { className: `${side}${wrong ? " wrong" : ""}` }, who, text));
  });
  element("timeline").replaceChildren(...items);
}

function fault({ name, label, plays, lasts }) {
  const act = async () => {
    await ask("scene", { do: "fault", name });
    await look();
  };
  const one = button(label, act);
  one.append(made("small", {}, plays));
  Object.assign(one.dataset, { fault: name, lasts });
  return one;
}

async function openScene() {
  const { faults } = await ask("scene", { do: "look" });
  element("faults").replaceChildren(...faults.map(fault));
  element("scene").hidden = false;
  nextKey();
  await look();
  setInterval(() => look().catch((error) => trouble(error.message)), 1000);
}

function nextKey() {
  element("key").value = `key-${Date.now().toString(36)}-${++keys}`;
}

function submitted(id, act) {
  element(id).addEventListener("submit", (event) => {
    event.preventDefault();
    done(act);
  });
}

function clicked(id, act) {
  element(id).addEventListener("click", () => done(act));
}

function start() {
  token = location.hash.slice(1);
  clicked("look", () => status());
  clicked("more", () => status(shown.after));
  clicked("resume-all", () => changed({ task: "resume" }));
  clicked("list-parked", () => parked());
  clicked("more-parked", () => parked(shown.parked));
  clicked("replay-all", replayAll);
  clicked("new-key", async () => nextKey());
  submitted("increase", increase);
  submitted("find", () => inspect(element("group").value));
  submitted("pause", () => {
    const GroupId = element("pause-group").value;
    return changed({ task: "pause", reason: element("reason").value, ...(GroupId ? { GroupId } : {}) });
  });
  submitted("operation", async () => {
    const [GroupId, Caller, IdempotencyKey] = ["group", "caller", "operation-key"].map((id) => element(id).value);
    element("fate").replaceChildren(list((await send({ task: "operation", GroupId, Caller, IdempotencyKey })).answer));
  });
  done(async () => {
    const about = await ask("about", {});
    element("where").textContent = `Acting on ${about.function}`;
    if (about.has_scene) await openScene();
    await status();
  });
}

if (typeof document !== "undefined") start();
