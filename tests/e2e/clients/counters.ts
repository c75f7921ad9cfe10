// A client that cannot count twice: one key, repeated ever more rarely until its answer is final, and no longer.
//
// Make the key, such as crypto.randomUUID(), and store it beside your own data before the first try. A process that died then goes on
// with the same key, and so does a later one after an answer that was not final. JSON.parse rounds values beyond 2^53 - 1.
//
// `make clients` writes schema.d.ts, from the function's openapi.json.

import type { components, paths } from "./schema.js";

type Answers = paths["/v1/update_group_counter"]["post"]["responses"];
export type Update = components["schemas"]["Update"];
export type Body =
  | Answers[200]["content"]["application/json"]
  | Answers[202]["content"]["application/json"]
  | Answers[400 | 401 | 403 | 404 | 405 | 409 | 413 | 422 | 429 | 503]["content"]["application/problem+json"];

// The status is 0 where nothing came back, and the body is missing where it is no JSON.
export interface Answer {
  status: number;
  body?: Body;
  retryAfterMs: number;
}

const PATH = "/v1/update_group_counter" satisfies keyof paths;
const TIMEOUT_MS = 35_000; // longer than any function waits
const BACKOFF_MAX_MS = 60_000;

// Whether a repetition changes nothing: applied, refused, or held until an operator decides.
export function isFinal({ status, body, retryAfterMs }: Answer): boolean {
  if (status === 503) return body !== undefined && "accepted" in body && body.accepted && retryAfterMs === 0;
  return status === 200 || (status >= 400 && status < 500 && status !== 408 && status !== 429);
}

// Have an operation counted once. An answer that is not final is the last one within the patience.
export async function count(url: string, token: string, key: string, body: Update, patienceMs = 900_000): Promise<Answer> {
  const until = performance.now() + patienceMs;
  for (let backoffMs = 500; ; backoffMs = Math.min(2 * backoffMs, BACKOFF_MAX_MS)) {
    const answer = await send(url, token, key, body);
    const waitMs = Math.max(answer.retryAfterMs, backoffMs * (0.5 + Math.random() / 2));
    if (isFinal(answer) || performance.now() + waitMs > until) return answer;
    await new Promise((wake) => setTimeout(wake, waitMs));
  }
}

// One try.
export async function send(url: string, token: string, key: string, update: Update): Promise<Answer> {
  const headers = { Authorization: `Bearer ${token}`, "Idempotency-Key": key, "Content-Type": "application/json" };
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const reply = await fetch(url + PATH, { method: "POST", headers, body: JSON.stringify(update), signal });
    const seconds = reply.headers.get("Retry-After") ?? "";
    const body = (await reply.json().catch(() => undefined)) as Body | undefined;
    return { status: reply.status, body, retryAfterMs: /^\d+$/.test(seconds) ? 1000 * Number(seconds) : 0 };
  } catch {
    return { status: 0, retryAfterMs: 0 };
  }
}
