/**
 * Section `heap`: whether anything is kept of requests that have ended. A million of them, each variant in a process of
 * its own, so that the heap is that variant's alone. The one section that judges: a leak makes the run fail.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { BARE, OURS } from './contenders.js';
import { table } from './table.js';

const STEPS = 10;
/** Bytes per request. The least that can be kept is a pointer of 8; in one request of ten, of a wait, 10 bytes would show. */
const LIMIT = 1;
/** 97.5 % quantile of Student's t with 8 degrees of freedom: a line through ten points. */
const T_QUANTILE = 2.306;

export interface HeapReport {
  /** Heap in use after a full collection: after the warm-up, then after each step. */
  readonly heaps: readonly number[];
  /** What has happened to the requests, the warm-up included. */
  readonly counts: Readonly<Record<string, number>>;
}

interface Slope {
  readonly bytes: number;
  /** Half the width of the interval that holds the true slope with 95 % confidence, if the noise is independent. */
  readonly noise: number;
}

export async function heap(quick: boolean): Promise<string> {
  const perStep = quick ? 10_000 : 100_000;
  const ours = await observe(OURS, perStep);
  const bare = await observe(BARE, perStep);
  const rows = ours.heaps.map((bytes, step) => [
    (step * perStep).toLocaleString('en'),
    ...[bytes, bare.heaps[step] ?? Number.NaN].map((heap) => (heap / 1024).toFixed(1)),
  ]);
  const slopes = [ours, bare].map(({ heaps }) => slopeOf(heaps.slice(1), perStep));
  rows.push(['bytes per request', ...slopes.map(({ bytes, noise }) => `${bytes.toFixed(3)} ± ${noise.toFixed(3)}`)]);
  return [
    'Heap in use after a full garbage collection, in KiB',
    table(['requests', OURS, BARE], rows),
    [`Warm-up included: ${wordsOf(ours)} (${OURS})`, `${wordsOf(bare)} by the caller (${BARE}).`].join('; '),
    quick ? 'Too short to judge.' : judge(slopes[0]),
  ].join('\n\n');
}

function judge(slope: Slope | undefined): string {
  const most = slope ? slope.bytes + slope.noise : Number.NaN;
  const isFlat = most < LIMIT;
  if (!isFlat) process.exitCode = 1;
  return `${isFlat ? 'Flat' : 'NOT FLAT'}: at most ${most.toFixed(3)} bytes are kept per request (flat is less than ${LIMIT}).`;
}

function wordsOf({ counts }: HeapReport): string {
  return Object.entries(counts)
    .map(([what, count]) => `${count.toLocaleString('en')} ${what}`)
    .join(', ');
}

async function observe(variant: string, perStep: number): Promise<HeapReport> {
  const path = fileURLToPath(new URL('./heap-load.ts', import.meta.url));
  const child = fork(path, [variant, String(STEPS), String(perStep)]);
  const [message] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
  if (typeof message !== 'object') throw new Error(`The process with the requests of ${variant} has failed`);
  return message as HeapReport;
}

/** Least squares. The point after the warm-up is left out: the compiler may still be at work. */
function slopeOf(heaps: readonly number[], perStep: number): Slope {
  const middle = (heaps.length - 1) / 2;
  const mean = heaps.reduce((sum, heap) => sum + heap, 0) / heaps.length;
  const spread = heaps.reduce((sum, _, step) => sum + (step - middle) ** 2, 0);
  const perStepBytes = heaps.reduce((sum, heap, step) => sum + (step - middle) * (heap - mean), 0) / spread;
  const squares = heaps.reduce((sum, heap, step) => sum + (heap - mean - perStepBytes * (step - middle)) ** 2, 0);
  const error = Math.sqrt(squares / (heaps.length - 2) / spread);
  return { bytes: perStepBytes / perStep, noise: (T_QUANTILE * error) / perStep };
}
