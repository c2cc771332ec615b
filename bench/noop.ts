/** Section `noop`: what a request with a valid token costs in the client alone, with an adapter that answers at once. */
import type { AxiosInstance } from 'axios';
import { answerAtOnce } from './api.js';
import { ALL, BARE, LIMIT, makeInstance, OURS } from './contenders.js';
import { measure, type Plan, type Samples, type Variant } from './measure.js';
import { costTable } from './table.js';
import { makeToken } from './token.js';

const BODY = { name: 'item', quantity: 3, tags: ['new', 'blue'] };

export async function noop(quick: boolean): Promise<string> {
  const plan: Plan = quick
    ? { rounds: 100, requestsPerRound: 60, concurrency: 1 }
    : { rounds: 600, requestsPerRound: 100, concurrency: 1 };
  const get = await run(ALL, plan, (instance) => instance.get('/items/1'));
  const post = await run([BARE, LIMIT, OURS], plan, (instance) => instance.post('/items', BODY));
  const shape = `${plan.rounds} rounds x ${plan.requestsPerRound} requests, one after another`;
  return [
    `GET, no-op adapter (${shape})\n\n${costTable(get, BARE, LIMIT)}`,
    `POST with a small JSON body, no-op adapter (${shape})\n\n${costTable(post, BARE, LIMIT)}`,
  ].join('\n\n');
}

async function run(
  names: readonly string[],
  plan: Plan,
  request: (instance: AxiosInstance) => Promise<unknown>,
): Promise<Samples> {
  const token = makeToken(3600);
  const defaults = { baseURL: 'https://api.example.com', adapter: answerAtOnce };
  const variants: Variant[] = [];
  for (const name of names) {
    const instance = await makeInstance(name, defaults, token);
    variants.push({ name, send: () => request(instance) });
  }
  return measure(variants, plan);
}
