/** What a run of the demo shows: at which authorization server, which scenes, and how it begins and ends. */
import { startAuthorizationServer } from '../../__tests__/support/oidc.js';
import type { Arguments } from './arguments.js';
import { ours, provider, type Authority, type AuthorityOptions } from './authority.js';
import { startFront } from './chaos/front.js';
import { chaosScenes } from './chaos/scenes.js';
import { chaosRows, faultsOf, footnote } from './chaos/table.js';
import { scenes, type Scene } from './scenes.js';
import { rows, type Row } from './table.js';
import type { Tally } from './tally.js';

export type ProgrammeOptions = AuthorityOptions & Pick<Arguments, 'short' | 'seed'>;

export interface Programme {
  readonly introduction: readonly string[];
  /** The authorization server as the scenes see it. */
  readonly auth: Authority;
  readonly scenes: readonly Scene[];
  readonly steadyMs: number;
  readonly rows: readonly Row[];
  readonly footnote?: string;
  /** The last words, if all went well. */
  success(tallies: readonly Tally[]): string;
}

/** A server that others wrote. */
export async function startProvider(options: ProgrammeOptions): Promise<Programme> {
  return plain(provider(await startAuthorizationServer(options)), options, 10_000);
}

/** The server half of this package. */
export async function startOurs(options: ProgrammeOptions): Promise<Programme> {
  return plain(await ours(options), options, 6_000);
}

function plain(auth: Authority, { short }: ProgrammeOptions, steadyMs: number): Programme {
  return {
    introduction: [],
    auth,
    scenes,
    steadyMs: short ? 5_500 : steadyMs,
    rows,
    success: () => 'The application saw no failure, and the server no reuse.',
  };
}

/** A server that others wrote, behind one that fails now and then. */
export async function startChaos({ short, seed, ...options }: ProgrammeOptions): Promise<Programme> {
  const server = await startAuthorizationServer(options);
  const front = await startFront(server.tokenEndpoint, seed);
  const auth = provider({ ...server, tokenEndpoint: front.tokenEndpoint });
  return {
    introduction: [
      `Token requests fail now and then; --seed ${seed} brings the same faults again.`,
      'They fail before they reach the server: once it has rotated the refresh token,',
      'a lost answer would end the session, whatever the client does.',
    ],
    auth: {
      ...auth,
      close: async () => {
        await front.close();
        await auth.close();
      },
    },
    scenes: chaosScenes(front),
    steadyMs: short ? 5_000 : 18_000,
    rows: chaosRows,
    footnote,
    success: (tallies) => `${faultsOf(tallies)}: no request failed, and nobody was signed out.`,
  };
}
