/** The rows of the timeline, from the top down, in pixels. */

export const lanes = ['sent', 'waiting', 'replayed', 'failed'] as const;
export type Lane = (typeof lanes)[number];

export const labelHeight = 16;
export const token = { top: labelHeight + 2, height: 24 };
export const refresh = { top: token.top + token.height + 3, height: 7 };
const lanesTop = refresh.top + refresh.height + 10;
const slots = 7;
const slotHeight = 4;
export const barHeight = 3;
const laneHeight = labelHeight + slots * slotHeight + 6;

export const top = (lane: Lane): number => lanesTop + lanes.indexOf(lane) * laneHeight;
export const bottom = lanesTop + lanes.length * laneHeight;
export const height = bottom + 20;

/** Requests of a burst lie side by side. */
export const barTop = (lane: Lane, id: number): number => top(lane) + labelHeight + 1 + (id % slots) * slotHeight;
