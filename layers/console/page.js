// The page's one script. What comes from the function is put in as text, never as markup, and nothing is kept in the browser.

const PAGE = 50;

/** The step that a group's `next` names as the first command of its text; to look at it, where none is named. */
export function stepOf(group) {
  const next = group.next ?? "";
  const [, task, of] = /`make (inspect|resume)( GROUP=)?/.exec(next) ?? [null, "inspect", "GROUP="];
  const label = next.includes("then decide") ? "Look at it, and decide" : "Look at it";
  if (task === "inspect") return { label, event: { task, GroupId: group.GroupId } };
  return of
    ? { label: "Resume it", event: { task, GroupId: group.GroupId } }
    : { label: "Resume every group", event: { task } };
}

/** The event that frees a group: `release` with a verdict for each call that may have landed, else `adopt`. */
export function decisionOf(groupId, inspection, { verdicts = {}, queued = null, dropsDebt = false }) {
  const debt = dropsDebt ? { debt: "drop" } : {};
  if (inspection.to_be_judged.length === 0) return { task: "adopt", GroupId: groupId, ...debt };
  const { receipt } = inspection.upstream;
  const given = { verdicts, ...(receipt === null ? {} : { receipt }), ...(queued === null ? {} : { queued }) };
  return { task: "release", GroupId: groupId, ...given, ...debt };
}

/** What each id that has to be judged stands for, in words. */
export function judgedOf({ row, to_be_judged: ids }) {
  const entries = [...(row.attempt?.operations ?? []), ...row.queue];
  return ids.map((id) => {
    const entry = entries.find((one) => one.id === id);
    if (entry === undefined) return [id, "what the call takes back"];
    const counters = Object.entries(entry.counters).map(([key, value]) => `${key} ${value}`).join(", ");
    return [id, `${entry.mode} ${counters}${entry.accepted_at ? `, accepted at ${entry.accepted_at}` : ""}`];
  });
}

/** Each counter as last known here and as the vendor has it, with the difference; the receipt is the first. */
export function compared({ last_known: known, upstream }) {
  const [before, now] = [known, upstream].map(({ receipt, counters }) => ({ "the receipt": receipt, ...counters }));
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].map((key) => {
    const [old, seen] = [before[key] ?? null, now[key] ?? null];
    const moved = old === null || seen === null ? "-" : String(BigInt(seen) - BigInt(old));
    return [key, old ?? "not known", seen ?? "not there", moved];
  });
}

/** What came of a decision or of a replay, in a sentence. */
export function saidOf(answer) {
  if (answer.done === false) return `Nothing was changed: something may still land. Come again in ${answer.retry_after_s} s.`;
  if (answer.done) return `Done: ${answer.settled} settled, ${answer.owed} still owed, which are sent now.`;
  if ("outcome" in answer) {
    const why = answer.ErrorInfo ? ` (${answer.ErrorCode}: ${answer.ErrorInfo})` : "";
    return answer.dropped ? `${answer.outcome}, and dropped from the list.` : `${answer.outcome}${why}: the record stays here.`;
  }
  return `${sentence(answer)}.`;
}

function sentence(value) {
  return flat(value).map(([name, text]) => `${name} ${text}`).join(", ");
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
let shown = { pages: [null], paused: null };
const NO_STATUS = { paused: null, attention: [], after: null };

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

/** Runs what a button asks for, and shows why it failed. Should its answer take the focus away, its section gets it. */
async function done(act) {
  const home = document.activeElement?.closest("section")?.querySelector("h2");
  trouble("");
  try {
    await act();
  } catch (error) {
    trouble(error.message);
  }
  if (document.activeElement === document.body) home?.focus();
}

async function ask(path, fields) {
  const headers = { "Content-Type": "application/json", "Console-Token": token };
  const reply = await fetch(`console/${path}`, { method: "POST", headers, body: JSON.stringify(fields) }).catch(() => {
    throw new Error("The page's own server does not answer: has it been ended?");
  });
  const answer = await reply.json();
  if (!reply.ok) throw new Error(answer.error);
  return answer;
}

async function asked(fields) {
  element("busy").hidden = false;
  return ask("event", fields).finally(() => {
    element("busy").hidden = true;
  });
}

/** Sends an operator event; one that changes something is sent after a yes only, and gives null without one. */
async function send(event) {
  const first = await asked({ event });
  if (!("asks" in first)) return first;
  if (!(await agreed(first, event))) return null;
  return asked({ event, agreed: true });
}

function agreed({ asks, facts }, event) {
  const dialog = element("consent");
  element("consequence").textContent = asks;
  element("facts").replaceChildren(list({ ...facts, "is sent": event }));
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((settle) => {
    dialog.addEventListener("close", () => settle(dialog.returnValue === "yes"), { once: true });
  });
}

function table(headings, rows) {
  const head = made("tr", {}, ...headings.map((heading) => made("th", { scope: "col" }, heading)));
  const body = rows.map((cells) => made("tr", {}, ...cells.map((cell) => made("td", {}, String(cell)))));
  return made("table", { className: "fit" }, made("thead", {}, head), made("tbody", {}, ...body));
}

/** Shows a page of the groups that need attention; `pages` holds where each page up to this one begins. */
async function status(pages = [null]) {
  const after = pages.at(-1);
  let sent = null;
  let why = "";
  try {
    sent = await send({ task: "status", limit: PAGE, ...(after ? { after } : {}) });
  } catch (error) {
    why = error.message;
  }
  // Without an answer nothing that an earlier one has shown may stay.
  const { answer, health, notes } = sent ?? { answer: NO_STATUS, health: `NOT WELL: there is no status. ${why}`, notes: [] };
  element("health").textContent = health;
  element("notes").replaceChildren(...notes.map((note) => made("li", {}, note)));
  element("resume-all").hidden = answer.paused === null;
  element("attention").replaceChildren(...answer.attention.map(row));
  const isEmpty = answer.attention.length === 0;
  element("nothing").hidden = !isEmpty || sent === null;
  element("waiting").hidden = isEmpty;
  const first = (pages.length - 1) * PAGE;
  const place = after || answer.after ? `: groups ${first + 1} to ${first + answer.attention.length}` : "";
  element("shown").textContent = `What needs attention${place}`;
  const kinds = Object.entries(answer.parked_by_source ?? {}).map(([kind, count]) => `${kind} ${count}`).join(", ");
  element("parked-count").textContent = answer.parked ? `By kind of source: ${kinds}.` : "";
  shown = { ...shown, pages, after: answer.after, paused: answer.paused };
  element("more").hidden = answer.after === null;
  element("fewer").hidden = pages.length === 1;
}

function row(group) {
  const step = stepOf(group);
  const act = () => (step.event.task === "inspect" ? inspect(group.GroupId) : changed(step.event));
  const state = group.reason ? `${group.state}: ${group.reason}` : group.state;
  const since = group.since ? `${group.since} (${group.age})` : "-";
  const cells = [group.GroupId, state, since, group.queued ?? "cannot be read", group.last_error ?? "-"];
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

async function inspect(groupId, said = "") {
  element("group").value = groupId;
  element("decided").textContent = said;
  element("found").replaceChildren();
  const { answer } = await send({ task: "inspect", GroupId: groupId });
  const { row: kept, upstream, paused, last_failure: failure } = answer;
  const part = (title, value) => [made("h4", {}, title), list(value)];
  const carried = kept.attempt?.operations.length ?? 0;
  const short = {
    "Operations owed": `${carried + kept.queue.length}: ${carried} in the call under way, ${kept.queue.length} queued`,
    "Lost calls remembered": kept.remembered.length,
    "Waits for": answer.waits_for,
    "For at least": answer.ready_in_s > 0 ? `${answer.ready_in_s} s` : null,
    Paused: paused ? `since ${paused.since}: ${paused.reason}` : "no",
    "Last error": kept.last_error,
    "Last failed call, of any group": failure ? Object.values(failure).join(", ") : null,
    "The vendor's counters": upstream.missing ?? "as below",
    "The receipt": answer.explanation?.receipt ?? "is not known",
  };
  const { version, generation, frozen, frozen_at, since, debt, notes } = kept;
  element("found").replaceChildren(
    made("h3", {}, groupId), list(short), hold(groupId, paused),
    table(["Counter", "Last known here", "At the vendor", "Moved by"], compared(answer)),
    made("ul", {}, ...answer.hypotheses.map((one) => made("li", {}, one.in_words))),
    ...decisions(groupId, answer), ...part("Call under way", kept.attempt), ...part("Queue", kept.queue),
    ...part("Lost calls", kept.remembered), ...part("Row", { version, generation, frozen, frozen_at, since, debt, notes }),
  );
  element("group-title").focus();
}

/** The button that ends the pause in force, or begins one. */
function hold(groupId, paused) {
  const isOfAll = paused !== null && sentence(paused) === sentence(shown.paused);
  const resume = async () => {
    const sent = await changed({ task: "resume", ...(isOfAll ? {} : { GroupId: groupId }) });
    if (sent !== null) await inspect(groupId, "Resumed.");
  };
  const pause = async () => {
    element("pause-group").value = groupId;
    element("reason").focus();
  };
  if (paused === null) return button("Pause this group", pause);
  return button(isOfAll ? "Resume every group" : "Resume it", resume);
}

/** The decision on a frozen group; folded on one that waits for what may never come, as the function refuses it too early. */
function decisions(groupId, inspection) {
  if (inspection.row.frozen) return [decision(groupId, inspection)];
  if (!inspection.waits_for || inspection.to_be_judged.length === 0) return [];
  const summary = made("summary", {}, "Decide by hand, should what it waits for never come");
  return [made("details", {}, summary, decision(groupId, inspection))];
}

/** What a person has to judge about a group, and the buttons for it. */
function decision(groupId, inspection) {
  const judged = judgedOf(inspection).map(([id, words], place) => choice(`verdict-${place}`, `${words} (${id})`, id));
  const isRestored = inspection.row.generation < inspection.generation;
  const queue = isRestored && judged.length > 0 ? [choice("queued", "What joins the queue until then", "queued")] : [];
  const drop = made("input", { type: "checkbox" });
  const hasDebt = Object.keys(inspection.row.debt).length > 0;
  const debt = hasDebt ? [made("label", { className: "line" }, drop, "Give up what is owed back to the group")] : [];
  const said = made("div");
  said.setAttribute("role", "status");
  const event = () => {
    const verdicts = Object.fromEntries(judged.flatMap((one) => one.given()));
    if (Object.keys(verdicts).length < judged.length) throw new Error("Judge each operation first: landed, or not");
    const [[, queued] = [null, null]] = queue.flatMap((one) => one.given());
    return decisionOf(groupId, inspection, { verdicts, queued, dropsDebt: drop.checked });
  };
  const tryOut = async () => {
    said.replaceChildren(list((await send({ ...event(), dry_run: true })).answer));
  };
  const decide = async () => {
    const sent = await changed(event());
    if (sent !== null) await inspect(groupId, saidOf(sent.answer));
  };
  const isRelease = judged.length > 0;
  const wait = inspection.ready_in_s > 0 ? `It can be decided in ${inspection.ready_in_s} s: look again then. ` : "";
  const frozen = inspection.row.frozen ? `Frozen: ${inspection.row.frozen}. ` : "";
  const ask = isRelease ? "Say of each operation whether the counters hold it already." : "There is nothing to judge.";
  const all = (value, label) => button(label, async () => judged.forEach((one) => one.choose(value)));
  return made("article", {},
    made("p", {}, `${wait}${frozen}${ask}`), ...[...judged, ...queue].map((one) => one.fieldset), ...debt,
    made("div", { className: "line" },
      ...(judged.length > 1 ? [all("landed", "All landed"), all("not-landed", "None landed")] : []),
      button("Look again", () => inspect(groupId)),
      ...(isRelease ? [button("Try it: nothing is changed", tryOut)] : []),
      button(isRelease ? "Release the group" : "Adopt the receipt as it is", decide, "grave")),
    said);
}

function choice(name, legend, id) {
  const radios = ["landed", "not-landed"].map((value) => made("input", { type: "radio", name, value }));
  const labels = radios.map((radio) => made("label", { className: "line" }, radio, radio.value));
  const given = () => radios.filter((radio) => radio.checked).map((radio) => [id, radio.value]);
  const choose = (value) => radios.forEach((radio) => Object.assign(radio, { checked: radio.value === value }));
  return { fieldset: made("fieldset", {}, made("legend", {}, legend), ...labels), given, choose };
}

async function parked(after) {
  const { answer } = await send({ task: "parked", action: "list", ...(after ? { after } : {}) });
  shown = { ...shown, parked: answer.next };
  element("more-parked").hidden = answer.next === null;
  element("parked-said").textContent = answer.records.length === 0 ? "None is parked." : "";
  const sources = [...new Set(answer.records.map((one) => one.source))];
  element("sources").replaceChildren(...sources.map((value) => made("option", { value })));
  element("parked").replaceChildren(...answer.records.map(record));
}

function record({ payload, ...facts }) {
  const key = made("input", { maxLength: 256, autocomplete: "off" });
  const act = (action, fields = () => ({})) => async () => {
    const sent = await changed({ task: "parked", action, id: facts.id, ...fields() });
    if (sent === null) return;
    await parked();
    element("parked-said").textContent = `${facts.id}: ${saidOf(sent.answer)}`;
  };
  const replay = button("Replay", act("replay", () => (key.value ? { IdempotencyKey: key.value } : {})));
  const drop = button("Drop", act("drop"), "grave");
  for (const one of [replay, drop]) one.setAttribute("aria-label", `${one.textContent} ${facts.id}`);
  const text = typeof payload === "string" ? payload : JSON.stringify(payload, null, 2);
  const buttons = made("div", { className: "line" }, made("label", { className: "line" }, "Another key", key), replay, drop);
  return made("article", {}, list(facts), made("pre", {}, text), buttons);
}

async function replayAll(after = "") {
  const source = element("source").value;
  const from = { ...(source ? { source } : {}), ...(after ? { after } : {}) };
  const sent = await changed({ task: "parked", action: "replay", all: true, ...from });
  if (sent === null) return;
  await parked();
  shown = { ...shown, replayed: sent.answer.after };
  element("go-on").hidden = !sent.answer.after;
  element("parked-said").textContent = saidOf(sent.answer);
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
  clicked("more", () => status([...shown.pages, shown.after]));
  clicked("fewer", () => status(shown.pages.slice(0, -1)));
  clicked("resume-all", () => changed({ task: "resume" }));
  clicked("list-parked", () => parked());
  clicked("more-parked", () => parked(shown.parked));
  clicked("go-on", () => replayAll(shown.replayed));
  clicked("back", async () => {
    await status(shown.pages);
    element("health-title").focus();
  });
  clicked("new-key", async () => nextKey());
  submitted("increase", increase);
  submitted("replay-all", () => replayAll());
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
