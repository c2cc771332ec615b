/** Every example compiles against the built package, those marked `ts run` do what they say, every link leads somewhere. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import ts from 'typescript';
import { blocksOf, documents, leadsSomewhere, linksOf, type Block } from './documents.js';
import { makeProject, nameOf, settings, type Project } from './project.js';

jest.setTimeout(60_000);

const all = documents();
const blocks = all.flatMap(blocksOf).filter(({ mode }) => mode !== 'ignore');
const running = blocks.filter(({ mode }) => mode === 'run');

let project: Project;
beforeAll(() => {
  project = makeProject();
});
afterAll(() => project.remove());

const complaintsAbout = (these: readonly Block[]): string[] => project.complaintsAbout(these);

/** The lines that a block prints. It fails if the block does. */
async function printedBy(block: Block): Promise<string[]> {
  const compilerOptions = { ...settings, module: ts.ModuleKind.ESNext };
  const path = join(project.folder, nameOf(block).replace(/\.tsx?$/, '.mjs'));
  writeFileSync(path, ts.transpileModule(block.code, { compilerOptions }).outputText);
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', './world.mjs', path], {
    cwd: project.folder,
    // On a terminal Jest has its workers print in colours.
    env: { ...process.env, FORCE_COLOR: '0' },
    timeout: 20_000,
  });
  return stdout.split('\n').filter((line) => line !== '');
}

/** The ends of lines that say what is printed there: `console.log(status); // => 200`. */
const promisedBy = ({ code }: Block) => [...code.matchAll(/\/\/ => (.*?) *$/gm)].map(([, line = '']) => line);

function blockOf(code: string): Block {
  const text = `\`\`\`ts run\n${code}\n\`\`\``;
  const [block] = blocksOf({ path: 'made.md', text });
  if (block === undefined) throw new Error('no block was read');
  return block;
}

describe('the documents', () => {
  test('show code, and the README code that runs', () => {
    const readme = all.find(({ path }) => path === 'README.md');
    const shown = readme ? blocksOf(readme) : [];
    expect(shown.length > 0).toBe(readme !== undefined);
    expect(shown.some(({ mode }) => mode === 'run')).toBe(readme !== undefined);
  });

  test('compile, every example', () => {
    expect(complaintsAbout(blocks)).toStrictEqual([]);
  });

  test('link to what exists', () => {
    const dead = all.flatMap((document) =>
      linksOf(document)
        .filter(({ target }) => !leadsSomewhere(document, target))
        .map(({ place, target }) => `${place}: ${target}`),
    );
    expect(dead).toStrictEqual([]);
  });

  for (const block of running) {
    test(`${block.place} runs and prints what it says`, async () => {
      const printed = await printedBy(block);
      const promised = promisedBy(block);
      if (promised.length > 0) expect(printed).toEqual(promised);
    });
  }
});

describe('the check of the documents', () => {
  const example = blockOf(`import axios from 'axios';
import { installTokenRefresh } from 'axios-token-refresh';
const api = axios.create({ baseURL: 'https://api.example.com' });
const session = installTokenRefresh(api, {
  async refresh({ tokens, http, signal }) {
    const { data } = await http.post('/auth/refresh', { refreshToken: tokens?.refreshToken }, { signal });
    return { accessToken: data.accessToken, refreshToken: data.refreshToken };
  },
});
await session.setTokens({ accessToken, refreshToken });
console.log((await api.get('/me')).data.name); // => Alice
await session.refresh();
console.log((await api.get('/me')).status, session.status); // => 200 active`);

  test('passes an example that is right', async () => {
    expect(complaintsAbout([example])).toStrictEqual([]);
    expect(await printedBy(example)).toEqual(promisedBy(example));
  });

  test('notices a wrong type, and says where', () => {
    const wrong = blockOf(`session.on('no.such.event', () => {});\nconst text: string = 5;\nconsole.log(text);`);
    expect(complaintsAbout([wrong])).toStrictEqual([
      expect.stringMatching(/^made\.md:2: .*no\.such\.event/),
      expect.stringMatching(/^made\.md:3: Type 'number'/),
    ]);
  });

  test('notices an example that throws', async () => {
    await expect(printedBy(blockOf(`throw new Error('wrong');`))).rejects.toThrow('wrong');
  });

  test('notices a dead link and a dead anchor', () => {
    const made = {
      path: 'made.md',
      text: '[a](LICENSE) [b](docs/none.md) [c](#title) [d](#none) `[e](none)` [f](https://x.test)\n# Title',
    };
    expect(linksOf(made).map(({ target }) => target)).toStrictEqual(['LICENSE', 'docs/none.md', '#title', '#none']);
    expect(leadsSomewhere(made, 'LICENSE')).toBe(true);
    expect(leadsSomewhere(made, 'docs/none.md')).toBe(false);
  });

  test('notices an unknown mark', () => {
    expect(() => blocksOf({ path: 'made.md', text: '```ts norun\n```' })).toThrow('made.md:2: "ts norun"');
  });
});
