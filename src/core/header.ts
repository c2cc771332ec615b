/** Takes a credential off again: pure. */
import { field } from './redact.js';

/** Takes `header` off, in whatever case it is written; where a `value` is given, only one that has it. */
export function takeOff(headers: unknown, header: string, value?: string): void {
  if (typeof headers !== 'object' || headers === null) return;
  for (const name of Object.keys(headers)) {
    const isMeant = value === undefined || field(headers, name) === value;
    if (isMeant && name.toLowerCase() === header.toLowerCase()) Reflect.deleteProperty(headers, name);
  }
}
