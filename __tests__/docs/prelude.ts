/**
 * Names that the examples use without saying where they come from. An example that declares one itself has its own.
 * Those of `ts run` blocks also need a value: see world.mjs.
 */
export const prelude = `
import type { AxiosInstance } from 'axios';
import type { TokenSession } from 'axios-token-refresh';

declare global {
  const accessToken: string;
  const refreshToken: string;
  /** A JWT that was valid once. */
  const expiredToken: string;
  const tokenEndpoint: string;
  const clientSecret: string;
  const userToken: string;
  const signJwt: (now: number) => string;
  const api: AxiosInstance;
  const session: TokenSession;
}
`;
