/** Secrets that no one else would write, and the search for them. */

/** Long enough that no word of ours is a part of it, short enough that a cut-off token is found. */
const fragment = 12;

/** Which of the canaries, or of their 12-character fragments, a text holds. */
export function findIn(text: string, canaries: readonly string[]): string[] {
  const found: string[] = [];
  for (const canary of canaries) {
    for (let start = 0; start + fragment <= canary.length; start++) {
      const part = canary.slice(start, start + fragment);
      if (!text.includes(part)) continue;
      found.push(part);
      break;
    }
  }
  return found;
}
