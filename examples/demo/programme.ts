/** What a run of the demo shows: which scenes, and how it begins and ends. */
import type { AuthorizationServer } from '../../__tests__/support/oidc.js';
import type { Arguments } from './arguments.js';
import { startFront } from './chaos/front.js';
import { chaosScenes } from './chaos/scenes.js';
import { chaosRows, faultsOf, footnote } from './chaos/table.js';
import { scenes, type Scene } from './scenes.js';
import { rows, type Row } from './table.js';
import type { Tally } from './tally.js';

export interface Programme {
  readonly introduction: readonly string[];
  /** The authorization server as the scenes see it. */
  readonly auth: AuthorizationServer;
  readonly scenes: readonly Scene[];
  readonly steadyMs: number;
  readonly rows: readonly Row[];
  readonly footnote?: string;
  /** The last words, if all went well. */
  success(tallies: readonly Tally[]): string;
  close(): Promise<void>;
}

export function plain(auth: AuthorizationServer, { short }: Arguments): Programme {
  return {
    introduction: [],
    auth,
    scenes,
    steadyMs: short ? 5_500 : 18_000,
    rows,
    success: () => 'The application saw no failure, and the server no reuse.',
    close: async () => undefined,
  };
}

/** The same server behind one that fails now and then. */
export async function chaos(auth: AuthorizationServer, { short, seed }: Arguments): Promise<Programme> {
  const front = await startFront(auth.tokenEndpoint, seed);
  return {
    introduction: [
      `Token requests fail now and then; --seed ${seed} brings the same faults again.`,
      'They fail before they reach the server: once it has rotated the refresh token,',
      'a lost answer would end the session, whatever the client does.',
    ],
    auth: { ...auth, tokenEndpoint: front.tokenEndpoint },
    scenes: chaosScenes(front),
    steadyMs: short ? 5_000 : 18_000,
    rows: chaosRows,
    footnote,
    success: (tallies) => `${faultsOf(tallies)}: no request failed, and nobody was signed out.`,
    close: () => front.close(),
  };
}
