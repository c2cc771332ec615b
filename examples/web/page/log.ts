/** The event log, newest first. The same line again raises a number. */
import type { Line } from './words.js';

export interface Log {
  write(line: Line): void;
}

const longest = 120;

export function createLog(list: HTMLElement): Log {
  let last: { readonly text: string; readonly count: HTMLElement; times: number } | undefined;
  return {
    write({ text, tone }) {
      if (last?.text === text && last.count.isConnected) {
        last.times += 1;
        last.count.textContent = ` × ${last.times}`;
        return;
      }
      const item = document.createElement('li');
      const time = document.createElement('time');
      const count = document.createElement('b');
      time.textContent = new Date().toLocaleTimeString('en-GB');
      item.className = tone;
      item.append(time, text, count);
      list.prepend(item);
      last = { text, count, times: 1 };
      if (list.childElementCount > longest) list.lastElementChild?.remove();
    },
  };
}
