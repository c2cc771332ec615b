/** Runs scripts against the built package, in processes where an unhandled rejection is fatal. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const formats = ['ES module', 'CommonJS'] as const;
export type Format = (typeof formats)[number];

export interface Ended {
  /** `null`: it had to be killed. */
  readonly exit: number | null;
  /** What the script has put into its array `told`. */
  readonly told: unknown;
  readonly stderr: string;
}

const root = join(__dirname, '..', '..');

const imports: Readonly<Record<Format, string>> = {
  'ES module': `
    import axios from 'axios';
    import { installTokenRefresh } from 'axios-token-refresh';
  `,
  CommonJS: `
    const axios = require('axios');
    const { installTokenRefresh } = require('axios-token-refresh');
  `,
};

/** What each script begins with: an instance whose requests never touch a network. */
const prelude = `
  const told = [];
  process.on('exit', () => process.stdout.write(JSON.stringify(told)));
  const api = axios.create({
    baseURL: 'https://api.example.com',
    adapter: async (config) => ({ status: 200, statusText: '', data: '', headers: {}, config }),
  });
  const never = () => new Promise(() => {});
  const turns = async () => { for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate); };
  // Ahead of its refresh window from the first moment: every request may begin a refresh behind its back.
  const ahead = { tokens: { accessToken: 'opaque', expiresIn: 3600 }, refreshAhead: { maxMs: 1e9, ttlFraction: 1 } };
  const dead = { tokens: { accessToken: 'opaque', expiresIn: 0 } };
  // A thousand times as fast: a token of a minute is refreshed by timer within a twentieth of a second.
  const fast = {
    schedule: true,
    tokens: { accessToken: 'opaque', expiresIn: 60 },
    clock: {
      now: () => performance.timeOrigin + performance.now() * 1000,
      monotonic: () => performance.now() * 1000,
      setTimeout: (act, delayMs) => setTimeout(act, delayMs / 1000),
      clearTimeout,
    },
  };
`;

/** Both formats may await in their outermost scope. */
function written(format: Format, script: string): string {
  const body = `${prelude}${script}`;
  return imports[format] + (format === 'CommonJS' ? `(async () => {${body}\n})();` : body);
}

export function run(format: Format, script: string): Promise<Ended> {
  const inputType = format === 'CommonJS' ? 'commonjs' : 'module';
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--unhandled-rejections=strict', `--input-type=${inputType}`, '--eval', written(format, script)],
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000, killSignal: 'SIGKILL' },
    );
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (exit) => {
      resolve({ exit, told: stdout === '' ? undefined : (JSON.parse(stdout) as unknown), stderr });
    });
  });
}
