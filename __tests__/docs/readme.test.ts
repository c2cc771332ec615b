/** Every example compiles against the built package, those marked `ts run` do what they say, every link leads somewhere. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import ts from 'typescript';
import { blocksOf, documents, leadsSomewhere, linksOf, root, type Block } from './documents.js';
import { prelude } from './prelude.js';

jest.setTimeout(60_000);

const all = documents();
const blocks = all.flatMap(blocksOf).filter(({ mode }) => mode !== 'ignore');
const running = blocks.filter(({ mode }) => mode === 'run');

// A project that has the package and all of its development dependencies.
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'axios-token-refresh-docs-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name), 'junction');
  }
  symlinkSync(root, join(modules, 'axios-token-refresh'), 'junction');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'prelude.d.ts'), prelude);
  copyFileSync(join(__dirname, 'world.mjs'), join(folder, 'world.mjs'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const settings: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  jsx: ts.JsxEmit.ReactJSX,
  types: ['node'],
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  // An example without imports is a module too, with names of its own.
  moduleDetection: ts.ModuleDetectionKind.Force,
};

const nameOf = ({ place, jsx }: Block) => `${place.replaceAll(/\W+/g, '-')}.${jsx ? 'tsx' : 'ts'}`;

/** What the compiler says of the blocks, by their places in the documents. */
function complaintsAbout(these: readonly Block[]): string[] {
  const byFile = new Map(these.map((block) => [nameOf(block), block]));
  for (const [name, { code }] of byFile) writeFileSync(join(folder, name), code);
  const files = [...byFile.keys(), 'prelude.d.ts'].map((name) => join(folder, name));
  const program = ts.createProgram(files, settings);
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const block = file && byFile.get(basename(file.fileName));
    const line = file ? file.getLineAndCharacterOfPosition(start).line : 0;
    const place = block ? `${block.path}:${block.line + line}` : (file?.fileName ?? '');
    return `${place}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

/** The lines that a block prints. It fails if the block does. */
async function printedBy(block: Block): Promise<string[]> {
  const compilerOptions = { ...settings, module: ts.ModuleKind.ESNext };
  const path = join(folder, nameOf(block).replace(/\.tsx?$/, '.mjs'));
  writeFileSync(path, ts.transpileModule(block.code, { compilerOptions }).outputText);
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', './world.mjs', path], {
    cwd: folder,
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
    expect(complaintsAbout(blocks)).toEqual([]);
  });

  test('link to what exists', () => {
    const dead = all.flatMap((document) =>
      linksOf(document)
        .filter(({ target }) => !leadsSomewhere(document, target))
        .map(({ place, target }) => `${place}: ${target}`),
    );
    expect(dead).toEqual([]);
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
    expect(complaintsAbout([example])).toEqual([]);
    expect(await printedBy(example)).toEqual(promisedBy(example));
  });

  test('notices a wrong type, and says where', () => {
    const wrong = blockOf(`session.on('no.such.event', () => {});\nconst text: string = 5;\nconsole.log(text);`);
    expect(complaintsAbout([wrong])).toEqual([
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
    expect(linksOf(made).map(({ target }) => target)).toEqual(['LICENSE', 'docs/none.md', '#title', '#none']);
    expect(leadsSomewhere(made, 'LICENSE')).toBe(true);
    expect(leadsSomewhere(made, 'docs/none.md')).toBe(false);
  });

  test('notices an unknown mark', () => {
    expect(() => blocksOf({ path: 'made.md', text: '```ts norun\n```' })).toThrow('made.md:2: "ts norun"');
  });
});
