/** The only file that loads Kysely: when it is needed, so that other stores do without it. */
import type * as Kysely from 'kysely';

export const loadKysely = (): Promise<typeof Kysely> => import('kysely');
