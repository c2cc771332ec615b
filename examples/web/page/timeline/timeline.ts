/** The canvas of the timeline: sharp at every size, and drawn only while it is looked at. */
import type { History } from '../history.js';
import { draw } from './draw.js';
import { height } from './layout.js';
import { readPalette } from './palette.js';
import { scaleOf } from './scale.js';

const defaultLifeMs = 20_000;

export function startTimeline(canvas: HTMLCanvasElement, history: History): void {
  const context = canvas.getContext('2d');
  if (!context) throw new TypeError('the canvas has no context');
  let palette = readPalette();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    palette = readPalette();
  });
  let width = 0;
  new ResizeObserver(() => {
    width = canvas.clientWidth;
    canvas.width = width * devicePixelRatio;
    canvas.height = height * devicePixelRatio;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  }).observe(canvas);

  // Frames are asked for only while the page is seen.
  const frame = (): void => {
    const now = performance.now();
    const last = history.lives.at(-1);
    const scale = scaleOf(now, width, last ? last.until - last.from : defaultLifeMs);
    history.forget(scale.from);
    draw({ context, width, scale, palette }, history);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}
