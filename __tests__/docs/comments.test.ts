/** Every example in the doc comments of the built types compiles, and every public function has one. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import ts from 'typescript';
import { root, type Block } from './documents.js';
import { makeProject, type Project } from './project.js';

jest.setTimeout(60_000);

/** Names that the examples use without saying where they come from, beside those of the documents. */
const further = `
import type { RefreshCallback } from 'axios-token-refresh';
import type { PostHogLike, StructuredLogger } from 'axios-token-refresh/reporters';
import type { RefreshEndpoint } from 'axios-token-refresh/server';

declare global {
  const refresh: RefreshCallback;
  const orders: import('axios').AxiosInstance;
  const billing: import('axios').AxiosInstance;
  const user: { accessToken: string };
  const currentUser: { id: string };
  const jwt: string;
  const assertion: string;
  const accountUrl: string;
  const ingestUrl: string;
  const logger: StructuredLogger;
  const client: PostHogLike;
  const endpoint: RefreshEndpoint;
}
`;

interface Callable {
  /** Of the package or a subpath of it. */
  readonly from: string;
  readonly name: string;
  readonly examples: readonly Block[];
}

const dist = join(root, 'dist');
const types = readdirSync(dist).filter((name) => name.endsWith('.d.ts'));
const files = types.map((name) => join(dist, name));
const program = ts.createProgram(files, { module: ts.ModuleKind.NodeNext, skipLibCheck: true });
const checker = program.getTypeChecker();

function callablesIn(file: string): Callable[] {
  const source = program.getSourceFile(join(dist, file));
  const module = source && checker.getSymbolAtLocation(source);
  const subpath = basename(file, '.d.ts');
  const from = subpath === 'index' ? 'axios-token-refresh' : `axios-token-refresh/${subpath}`;
  return (module ? checker.getExportsOfModule(module) : [])
    .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
    .filter(({ flags }) => flags & ts.SymbolFlags.Value)
    .map((symbol) => {
      const texts = symbol.getJsDocTags(checker).filter(({ name }) => name === 'example');
      const examples = texts.map(({ text }, index): Block => {
        const code = ts.displayPartsToString(text);
        const place = `${subpath} ${symbol.name} ${index}`;
        return { place, line: 1, path: place, jsx: /<\w+>/.test(code), mode: 'check', code };
      });
      return { from, name: symbol.name, examples };
    });
}

const callables = types.flatMap(callablesIn);

let project: Project;
beforeAll(() => {
  const known = callables.map(({ from, name }) => `  const ${name}: typeof import('${from}').${name};`);
  const own = `declare global {\n  const axios: import('axios').AxiosStatic;\n${[...new Set(known)].join('\n')}\n}\n`;
  project = makeProject(further + own);
});
afterAll(() => project.remove());

test('every public function and class has an example', () => {
  expect(callables.length).toBeGreaterThan(40);
  expect(callables.filter(({ examples }) => examples.length === 0).map(({ name }) => name)).toStrictEqual([]);
});

test('every example compiles', () => {
  expect(project.complaintsAbout(callables.flatMap(({ examples }) => examples))).toStrictEqual([]);
});
