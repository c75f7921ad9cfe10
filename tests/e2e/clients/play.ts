// For the tests: play the operations that standard input lists, all at once, and write their answers.

import { text } from "node:stream/consumers";

import { count, type Update } from "./counters.js";

interface Job {
  url: string;
  token: string;
  key: string;
  body: Update;
  patience_s: number;
}

const jobs = JSON.parse(await text(process.stdin)) as Job[];
const answers = await Promise.all(jobs.map((job) => count(job.url, job.token, job.key, job.body, 1000 * job.patience_s)));
process.stdout.write(JSON.stringify(answers));
