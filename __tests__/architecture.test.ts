/** The house of `src/`: who may import whom, what stays pure, and how long a file may be. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import ts from 'typescript';

/** From the top down. A file imports its own layer and those below it; a name without a file is a place kept free. */
const layers: readonly (readonly string[])[] = [
  ['index'],
  ['install'],
  ['attach', 'exchange'],
  ['session'],
  ['desk', 'plan'],
  ['attempt'],
  ['refresher', 'scheduler', 'queue', 'events', 'http', 'options', 'persistence'],
  ['clock', 'deadline', 'decode', 'section', 'stores/memory', 'subscription'],
  ['core/*'],
  ['types', 'errors'],
];
/** Folders of the optional entry points: they see the bottom layers and themselves, never each other. */
const subpaths = ['stores', 'grants', 'messages', 'react', 'reporters', 'audit', 'server', 'testing'];
const bottom = ['types', 'errors', 'core/*', 'decode'];
/** The packages that core/ may use, because they only compute. */
const pure = ['jwt-decode', 'axios-retry'];
const impure =
  /^(Date\.now|new Date\(\)|performance\.now|Math\.random|(set|clear)(Timeout|Interval|Immediate)|queueMicrotask|process|fetch)$/;
const long = 150;
const longest = 250;
/** The public vocabulary stays in one place, and so do the state's changes and the life of one request. */
const longestOf: Readonly<Record<string, number>> = { types: 400, session: 450, exchange: 300 };

interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
}

interface Source {
  readonly imports: readonly Import[];
  /** `console`, and the names that `impure` tells, as they are used. */
  readonly uses: readonly string[];
  readonly lines: number;
}

type Tree = ReadonlyMap<string, Source>;

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  const clause = node.importClause;
  return clause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

/** The name of a source file for its import: `./core/claims.js` in `decode` is `core/claims`; a package stays itself. */
function resolve(from: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '');
}

const packageOf = (target: string) => /^(@[^/]+\/)?[^/]+/.exec(target)?.[0] ?? target;

function read(name: string, text: string): Source {
  const imports: Import[] = [];
  const uses: string[] = [];
  const file = ts.createSourceFile(`${name}.ts`, text, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      const specifier = (node.moduleSpecifier as ts.StringLiteral).text;
      imports.push({ target: resolve(name, specifier), typeOnly: isTypeOnly(node) });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [specifier] = node.arguments;
      const target = specifier && ts.isStringLiteralLike(specifier) ? specifier.text : '(computed)';
      imports.push({ target: resolve(name, target), typeOnly: false });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      imports.push({ target: resolve(name, (node.argument.literal as ts.StringLiteral).text), typeOnly: true });
    } else if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length) {
      uses.push('new Date()');
    } else if (ts.isPropertyAccessExpression(node)) {
      uses.push(node.getText());
      if (ts.isIdentifier(node.expression)) uses.push(node.expression.text);
    } else if (ts.isIdentifier(node) && ts.isExpression(node) && !ts.isPropertyAccessExpression(node.parent)) {
      uses.push(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { imports, uses, lines: text.trimEnd().split('\n').length };
}

const matches = (name: string, pattern: string) =>
  pattern.endsWith('/*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
const layerOf = (name: string) => layers.findIndex((layer) => layer.some((pattern) => matches(name, pattern)));
const isPlaced = (name: string) => layerOf(name) >= 0;
const subpathOf = (name: string) =>
  isPlaced(name) ? undefined : subpaths.find((folder) => name.startsWith(`${folder}/`));

function mayImport(from: string, to: string): boolean {
  const subpath = subpathOf(from);
  if (subpath !== undefined) {
    return to.startsWith(`${subpath}/`) || bottom.some((pattern) => matches(to, pattern));
  }
  return isPlaced(to) && layerOf(to) >= layerOf(from);
}

function* wrongDirections(tree: Tree): Generator<string> {
  for (const [name, { imports }] of tree) {
    if (!isPlaced(name) && subpathOf(name) === undefined) yield `${name} has no place in the table of layers`;
    for (const { target } of imports) {
      if (tree.has(target) && !mayImport(name, target)) yield `${name} imports ${target}, which is above or beside it`;
    }
  }
}

/** Cycles of imports that exist at run time; a type may know who uses it. */
function* cycles(tree: Tree): Generator<string> {
  const done = new Set<string>();
  const walk = function* (name: string, path: readonly string[]): Generator<string> {
    if (path.includes(name)) {
      yield [...path.slice(path.indexOf(name)), name].join(' -> ');
      return;
    }
    if (done.has(name)) return;
    for (const { target, typeOnly } of tree.get(name)?.imports ?? []) {
      if (!typeOnly && tree.has(target)) yield* walk(target, [...path, name]);
    }
    done.add(name);
  };
  for (const name of tree.keys()) yield* walk(name, []);
}

function* impurities(tree: Tree): Generator<string> {
  for (const [name, { imports, uses }] of tree) {
    if (!name.startsWith('core/')) continue;
    for (const { target, typeOnly } of imports) {
      if (!typeOnly && !tree.has(target) && !pure.includes(target)) yield `${name} imports ${target} at run time`;
    }
    for (const use of uses) if (impure.test(use)) yield `${name} uses ${use}`;
  }
}

function* sharedPackages(tree: Tree): Generator<string> {
  const users = new Map<string, string[]>();
  for (const [name, { imports }] of tree) {
    for (const target of new Set(
      imports.filter((one) => !one.typeOnly && !tree.has(one.target)).map((one) => one.target),
    )) {
      if (target.startsWith('node:')) continue;
      // An optional entry point has what it imports to itself: it may be the only one that is installed.
      const user = [packageOf(target), ...(subpathOf(name) === undefined ? [] : [`of ${subpathOf(name)}`])].join(' ');
      users.set(user, [...(users.get(user) ?? []), name]);
    }
  }
  for (const [name, files] of users) {
    if (files.length > 1) yield `${name} is imported by ${files.join(' and ')}`;
  }
}

function* consoles(tree: Tree): Generator<string> {
  for (const [name, { uses }] of tree) if (uses.includes('console')) yield `${name} uses console`;
}

function* lengths(tree: Tree): Generator<string> {
  for (const [name, { lines }] of tree) {
    if (lines > (longestOf[name] ?? longest)) yield `${name} has ${lines} lines`;
  }
  const overlong = [...tree.values()].filter(({ lines }) => lines > long).length;
  if (overlong * 2 > tree.size) yield `${overlong} of ${tree.size} files have more than ${long} lines`;
}

function unresolved(tree: Tree): string[] {
  return [...tree].flatMap(([name, { imports }]) =>
    imports
      .filter(({ target }) => !tree.has(target) && /^(core|stores|\.\.?)\/|\.ts$/.test(target))
      .map(({ target }) => `${name} imports ${target}, which was not found`),
  );
}

const root = join(__dirname, '..', 'src');
const src: Tree = new Map(
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map(
      (path) =>
        [
          relative(root, path)
            .split(sep)
            .join('/')
            .replace(/\.tsx?$/, ''),
          path,
        ] as const,
    )
    .map(([name, path]) => [name, read(name, readFileSync(path, 'utf8'))]),
);
const made = (files: Record<string, string>): Tree =>
  new Map(Object.entries(files).map(([name, text]) => [name, read(name, text)]));

describe('src/', () => {
  test('is read, imports and all', () => {
    expect([...src.keys()]).toEqual(expect.arrayContaining(['index', 'session', 'core/freshness']));
    expect(src.get('index')?.imports.length).toBeGreaterThan(0);
    expect(unresolved(src)).toStrictEqual([]);
  });

  test('imports point one way', () => {
    expect([...wrongDirections(src)]).toStrictEqual([]);
  });

  test('no file imports itself by a detour', () => {
    expect([...cycles(src)]).toStrictEqual([]);
  });

  test('core/ only computes: no Axios, no clock, no timers', () => {
    expect([...impurities(src)]).toStrictEqual([]);
  });

  test('each third-party package is imported by one file', () => {
    expect([...sharedPackages(src)]).toStrictEqual([]);
  });

  test('nothing is written to the console', () => {
    expect([...consoles(src)]).toStrictEqual([]);
  });

  test('every file can be read in one sitting', () => {
    expect([...lengths(src)]).toStrictEqual([]);
  });
});

describe('the rules notice', () => {
  test('an import upwards, of a type too', () => {
    const tree = made({
      session: `import type { A } from './attach.js';`,
      attach: `import { s } from './session.js';`,
    });
    expect([...wrongDirections(tree)]).toStrictEqual(['session imports attach, which is above or beside it']);
  });

  test('a file without a place', () => {
    expect([...wrongDirections(made({ utils: '' }))]).toStrictEqual(['utils has no place in the table of layers']);
  });

  test('an entry point that reaches into another, or into the session', () => {
    const tree = made({
      'react/index': `export { a } from '../grants/index.js'; import { s } from '../session.js'; import '../errors.js';`,
      'grants/index': `import { b } from './body.js';`,
      'grants/body': '',
      session: `import type { G } from './grants/index.js';`,
      errors: '',
    });
    expect([...wrongDirections(tree)]).toStrictEqual([
      'react/index imports grants/index, which is above or beside it',
      'react/index imports session, which is above or beside it',
      'session imports grants/index, which is above or beside it',
    ]);
  });

  test('a cycle, but not one of types alone', () => {
    const run = made({ 'core/a': `import { b } from './b.js';`, 'core/b': `export { a } from './a.js';` });
    const types = made({ 'core/a': `import { b } from './b.js';`, 'core/b': `import type { a } from './a.js';` });
    expect([...cycles(run)]).toStrictEqual(['core/a -> core/b -> core/a']);
    expect([...cycles(types)]).toStrictEqual([]);
  });

  test('a clock, a timer or Axios in core/', () => {
    const tree = made({
      'core/a': `import axios from 'axios'; import type { AxiosError } from 'axios'; import { jwtDecode } from 'jwt-decode';
        export const now = () => Date.now() + +new Date() + +new Date(5); setTimeout(now, 1); clock.setTimeout(now);`,
    });
    expect([...impurities(tree)]).toStrictEqual([
      'core/a imports axios at run time',
      'core/a uses Date.now',
      'core/a uses new Date()',
      'core/a uses setTimeout',
    ]);
  });

  test('a package with two users', () => {
    const tree = made({
      session: `import debug from 'debug';`,
      attach: `await import('debug/src/browser.js');`,
      http: `import type { Debugger } from 'debug';`,
    });
    expect([...sharedPackages(tree)]).toStrictEqual(['debug is imported by session and attach']);
    const parts = made({
      http: `import axios from 'axios';`,
      'server/a': `import axios from 'axios';`,
      'server/b': `await import('axios');`,
    });
    expect([...sharedPackages(parts)]).toStrictEqual(['axios of server is imported by server/a and server/b']);
  });

  test('console', () => {
    expect([...consoles(made({ session: 'console.log(1);', http: 'logger.console; // console' }))]).toStrictEqual([
      'session uses console',
    ]);
  });

  test('a long file, and many rather long ones', () => {
    expect([...lengths(made({ a: 'x\n'.repeat(251), b: '', c: '' }))]).toStrictEqual(['a has 251 lines']);
    expect([...lengths(made({ a: 'x\n'.repeat(151) }))]).toStrictEqual(['1 of 1 files have more than 150 lines']);
  });
});

test('every package in `dependencies` is used by src/, and src/ uses no other', () => {
  const manifest = JSON.parse(readFileSync(join(dirname(root), 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
    peerDependencies: Record<string, string>;
  };
  const used = [...src.values()]
    .flatMap(({ imports }) => imports)
    .filter(({ target }) => !src.has(target) && !target.startsWith('node:'))
    .map(({ target }) => packageOf(target));
  const declared = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];
  expect([...new Set(used)].sort()).toEqual(declared.sort());
});
