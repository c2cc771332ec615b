/** The counters beside the timeline. */
import { find, say } from './elements.js';
import type { Counter, History } from './history.js';

const counters: readonly Counter[] = ['sent', 'waited', 'replayed', 'failed', 'refreshes', 'refusals'];

export function createCounters({ counts }: History): () => void {
  const shown = counters.map((counter) => [find(`count-${counter}`, HTMLElement), counter] as const);
  return () => {
    for (const [element, counter] of shown) say(element, String(counts[counter]));
  };
}
