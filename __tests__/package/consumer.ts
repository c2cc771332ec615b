/** A project that depends on the packed package: what a user has after `npm install`. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const root = join(__dirname, '..', '..');
const fixtures = join(__dirname, 'fixtures');

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Record<string, string>;
}

export interface Tarball {
  readonly path: string;
  readonly files: readonly string[];
}

export interface Consumer {
  readonly folder: string;
  /** Runs one of the fixtures and returns what it printed. */
  run(fixture: string): Promise<unknown>;
  /** Installs an optional peer dependency. */
  provide(name: string): Promise<void>;
}

const manifestOf = async (folder: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;

// The test run itself is started by npm, whose variables would tell the inner npm that it works on this repository.
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));

async function npm(folder: string, ...options: readonly string[]): Promise<string> {
  const { stdout } = await run('npm', [...options], {
    cwd: folder,
    env: environment,
    shell: process.platform === 'win32',
  });
  return stdout;
}

export const temporary = (): Promise<string> => mkdtemp(join(tmpdir(), 'axios-token-refresh-'));
export const remove = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });

/** Packs what the build left in `dist/`. */
export async function pack(folder: string): Promise<Tarball> {
  const printed = await npm(root, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder);
  const told = JSON.parse(printed) as { filename: string; files: { path: string }[] }[];
  const [tarball] = told;
  if (tarball === undefined) throw new Error('npm pack told of no tarball');
  return { path: join(folder, tarball.filename), files: tarball.files.map(({ path }) => path).sort() };
}

/** Copies an installed package and all that it needs, so that npm finds everything in place and asks no registry. */
async function provide(modules: string, name: string, from = name): Promise<void> {
  const source = join(root, 'node_modules', from);
  await cp(source, join(modules, name), { recursive: true });
  for (const dependency of Object.keys((await manifestOf(source)).dependencies ?? {})) {
    const nested = await manifestOf(join(source, 'node_modules', dependency)).catch(() => undefined);
    const present = await manifestOf(join(modules, dependency)).catch(() => undefined);
    if (nested === undefined && present === undefined) await provide(modules, dependency);
  }
}

/**
 * Installs the tarball beside Axios: `axios`, or another version of it by the name that it has here. `peers` are optional
 * peers that this user has, too; `others` are packages that it has for itself, of which only the version matters.
 */
export async function install(
  tarball: Tarball,
  axios: string,
  peers: readonly string[] = [],
  others: Readonly<Record<string, string>> = {},
): Promise<Consumer> {
  const folder = await temporary();
  const modules = join(folder, 'node_modules');
  await mkdir(modules);
  await provide(modules, 'axios', axios);
  for (const name of Object.keys((await manifestOf(root)).dependencies ?? {})) await provide(modules, name);
  for (const name of peers) await provide(modules, name);
  for (const [name, version] of Object.entries(others)) {
    await mkdir(join(modules, name));
    await writeFile(join(modules, name, 'package.json'), JSON.stringify({ name, version }));
  }
  const versions = await Promise.all(
    ['axios', ...peers].map(async (name) => [name, (await manifestOf(join(modules, name))).version]),
  );
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({
      name: 'consumer',
      private: true,
      dependencies: { ...(Object.fromEntries(versions) as object), ...others },
    }),
  );
  await npm(folder, 'install', '--offline', '--no-audit', '--no-fund', '--strict-peer-deps', tarball.path);
  await cp(fixtures, folder, { recursive: true });
  return {
    folder,
    async run(fixture) {
      const { stdout } = await run(process.execPath, [join(folder, fixture)], { cwd: folder, timeout: 20_000 });
      return JSON.parse(stdout) as unknown;
    },
    provide: (name) => provide(modules, name),
  };
}
