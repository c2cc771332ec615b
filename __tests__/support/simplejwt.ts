/** Django with simplejwt on loopback, run with the system's Python: a JSON back end that nobody here has written. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const python = '/usr/bin/python3';

/** What is missing, in words for whoever runs the tests; `undefined` if nothing is. */
export function missingSimplejwt(): string | undefined {
  const { status } = spawnSync(python, ['-c', 'import rest_framework_simplejwt, django']);
  if (status === 0) return undefined;
  return `${python} has no Django with simplejwt: apt-get install python3-django python3-djangorestframework-simplejwt`;
}

export interface Simplejwt {
  readonly url: string;
  /** Tokens of the one user, ada. */
  signIn(): Promise<{ readonly access: string; readonly refresh: string }>;
  close(): Promise<void>;
}

export async function startSimplejwt(accessTokenTtl: number): Promise<Simplejwt> {
  const script = fileURLToPath(new URL('./simplejwt.py', import.meta.url));
  const child = spawn(python, [script, String(accessTokenTtl)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const [line] = (await Promise.race([once(child.stdout, 'data'), ended.then(failed)])) as [Buffer];
  const url = `http://127.0.0.1:${Number(line.toString())}`;
  return {
    url,
    async signIn() {
      const body = JSON.stringify({ username: 'ada', password: 'engine' });
      const headers = { 'Content-Type': 'application/json' };
      const response = await fetch(`${url}/api/token/`, { method: 'POST', headers, body });
      if (!response.ok) throw new Error(`sign-in failed: ${response.status}`);
      return (await response.json()) as { access: string; refresh: string };
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

function failed(): never {
  throw new Error('Django ended before it was asked to.');
}
