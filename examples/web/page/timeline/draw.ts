/** Draws one picture of the timeline. */
import type { History, Life, Request } from '../history.js';
import { barHeight, barTop, bottom, height, labelHeight, lanes, refresh, token, top, type Lane } from './layout.js';
import type { Palette } from './palette.js';
import { stepOf, type Scale } from './scale.js';

export interface Picture {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly scale: Scale;
  readonly palette: Palette;
}

/** Shorter than this nothing would be seen. */
const thinnest = 3;
const font = '600 12px system-ui, sans-serif';

export function draw(picture: Picture, history: History): void {
  const { context, width } = picture;
  context.clearRect(0, 0, width, height);
  context.font = font;
  for (const life of history.lives) drawWindows(picture, life);
  drawAxis(picture);
  for (const life of history.lives) drawLife(picture, life);
  for (const { from, until, elsewhere, failed } of history.refreshes) {
    const colour = picture.palette[failed ? 'failed' : 'sent'];
    bar(picture, { from, until, y: refresh.top, tall: refresh.height, colour, hollow: elsewhere });
  }
  for (const request of history.requests) drawRequest(picture, request);
  drawNames(picture);
  drawNow(picture);
}

/** Both windows run behind all lanes: who meets the second one waits. */
function drawWindows({ context, scale, palette }: Picture, life: Life): void {
  const end = Math.min(life.until, life.endedAt ?? Infinity);
  const windows = [
    [life.aheadAt, Math.min(life.dueAt, end), palette.ahead],
    [life.dueAt, end, palette.due],
  ] as const;
  for (const [from, until, colour] of windows) {
    if (until <= from) continue;
    context.fillStyle = colour;
    context.fillRect(scale.x(from), token.top - 2, scale.x(until) - scale.x(from), bottom - token.top + 2);
  }
}

function drawAxis({ context, width, scale, palette }: Picture): void {
  const step = stepOf(scale, width);
  context.lineWidth = 1;
  context.strokeStyle = palette.line;
  context.fillStyle = palette.quiet;
  context.textAlign = 'center';
  context.textBaseline = 'alphabetic';
  for (
    let offset = Math.ceil((scale.from - scale.now) / step) * step;
    scale.now + offset < scale.until;
    offset += step
  ) {
    const x = scale.x(scale.now + offset);
    const label = offset === 0 ? 'now' : `${offset > 0 ? '+' : '−'}${Math.abs(offset) / 1_000} s`;
    if (x > 18 && x < width - 18) context.fillText(label, x, height - 5);
  }
  for (const lane of lanes) {
    context.beginPath();
    context.moveTo(0, top(lane) - 2.5);
    context.lineTo(width, top(lane) - 2.5);
    context.stroke();
  }
}

function drawLife(picture: Picture, life: Life): void {
  const { context, scale, palette, width } = picture;
  const end = Math.min(life.until, life.endedAt ?? Infinity);
  bar(picture, { from: life.from, until: end, y: token.top, tall: token.height, colour: palette.token });
  const left = Math.max(0, scale.x(life.from)) + 8;
  const right = Math.min(width, scale.x(end)) - 4;
  const now = scale.x(scale.now);
  context.fillStyle = palette['on-token'];
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  for (const label of [`Token ${life.generation}`, String(life.generation)]) {
    const wide = context.measureText(label).width;
    // Not under the line of now.
    const x = left < now && left + wide > now ? now + 6 : left;
    if (x + wide < right) {
      context.fillText(label, x, token.top + token.height / 2 + 0.5);
      return;
    }
  }
}

function drawRequest(picture: Picture, { id, madeAt, hops, endedAt, failed }: Request): void {
  const put = (lane: Lane, from: number, until: number | undefined): void =>
    bar(picture, { from, until, y: barTop(lane, id), tall: barHeight, colour: picture.palette[lane] });
  let since = madeAt;
  for (const [index, hop] of hops.entries()) {
    if (hop.from - since > 30) put('waiting', since, hop.from);
    put(index === 0 ? 'sent' : 'replayed', hop.from, hop.until);
    since = hop.until ?? Infinity;
  }
  const isWaiting = since < (endedAt ?? picture.scale.now) - 30;
  if (isWaiting) put('waiting', since, endedAt);
  if (failed && endedAt !== undefined) put('failed', endedAt, endedAt);
}

function drawNames({ context, palette }: Picture): void {
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  const names = { sent: 'Sent', waiting: 'Waiting', replayed: 'Replayed', failed: 'Failed' };
  context.fillStyle = palette.quiet;
  context.fillText('Access token, refreshes below', 4, labelHeight / 2);
  for (const lane of lanes) {
    context.fillStyle = palette[lane];
    context.fillText(names[lane], 4, top(lane) + labelHeight / 2);
  }
}

function drawNow({ context, scale, palette }: Picture): void {
  context.strokeStyle = palette.text;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(scale.x(scale.now), token.top - 2);
  context.lineTo(scale.x(scale.now), bottom);
  context.stroke();
}

interface Bar {
  readonly from: number;
  /** @default until now */
  readonly until: number | undefined;
  readonly y: number;
  readonly tall: number;
  readonly colour: string;
  readonly hollow?: boolean;
}

function bar(
  { context, scale, width }: Picture,
  { from, until = scale.now, y, tall, colour, hollow = false }: Bar,
): void {
  const x = scale.x(from);
  const wide = Math.max(thinnest, scale.x(until) - x);
  if (x > width || x + wide < 0) return;
  context.beginPath();
  context.roundRect(x, y, wide, tall, Math.min(5, tall / 2));
  if (hollow) {
    context.strokeStyle = colour;
    context.lineWidth = 1.5;
    context.stroke();
  } else {
    context.fillStyle = colour;
    context.fill();
  }
}
