/** A project that has the built package and all of its development dependencies, to compile examples in. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { root, type Block } from './documents.js';
import { prelude } from './prelude.js';

export const settings: ts.CompilerOptions = {
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

export const nameOf = ({ place, jsx }: Block): string => `${place.replaceAll(/\W+/g, '-')}.${jsx ? 'tsx' : 'ts'}`;

export interface Project {
  readonly folder: string;
  /** What the compiler says of the blocks, by their places. */
  complaintsAbout(these: readonly Block[]): string[];
  remove(): void;
}

/** @param further declarations, beside those of the prelude */
export function makeProject(further = ''): Project {
  const folder = mkdtempSync(join(tmpdir(), 'axios-token-refresh-docs-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name), 'junction');
  }
  symlinkSync(root, join(modules, 'axios-token-refresh'), 'junction');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'prelude.d.ts'), prelude);
  writeFileSync(join(folder, 'further.d.ts'), further);
  copyFileSync(join(__dirname, 'world.mjs'), join(folder, 'world.mjs'));
  return {
    folder,
    complaintsAbout(these) {
      const byFile = new Map(these.map((block) => [nameOf(block), block]));
      for (const [name, { code }] of byFile) writeFileSync(join(folder, name), code);
      const files = [...byFile.keys(), 'prelude.d.ts', 'further.d.ts'].map((name) => join(folder, name));
      const program = ts.createProgram(files, settings);
      return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
        const block = file && byFile.get(basename(file.fileName));
        const line = file ? file.getLineAndCharacterOfPosition(start).line : 0;
        const place = block ? `${block.path}:${block.line + line}` : (file?.fileName ?? '');
        return `${place}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
      });
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
