/** Compiles a consumer's file as that consumer would. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './consumer.js';

export type Resolution = 'nodenext, ESM' | 'nodenext, CommonJS' | 'bundler';

/** File ending and options. Node's consumers have no DOM, a bundler's have no Node. */
export const settings: Record<Resolution, { end: string; options: ts.CompilerOptions }> = {
  'nodenext, ESM': {
    end: '.mts',
    options: { module: ts.ModuleKind.NodeNext, lib: ['lib.es2022.d.ts'], types: ['node'] },
  },
  'nodenext, CommonJS': {
    end: '.cts',
    options: { module: ts.ModuleKind.NodeNext, lib: ['lib.es2022.d.ts'], types: ['node'] },
  },
  bundler: {
    end: '.ts',
    options: {
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
      types: [],
    },
  },
};

export interface Complaint {
  readonly file: string | undefined;
  readonly line: number;
  readonly message: string;
}

export function errorsOf(folder: string, resolution: Resolution, fixture: string): Complaint[] {
  const { end, options } = settings[resolution];
  const path = join(folder, fixture.replace(/\.ts$/, end));
  if (path !== join(folder, fixture)) copyFileSync(join(folder, fixture), path);
  const program = ts.createProgram([path], {
    target: ts.ScriptTarget.ES2022,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    // What a library that exports things of ours needs.
    declaration: true,
    noEmit: true,
    typeRoots: [join(root, 'node_modules', '@types')],
    ...options,
  });
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => ({
    file: file?.fileName,
    line: file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0,
    message: ts.flattenDiagnosticMessageText(messageText, '\n'),
  }));
}

/** The numbers of the lines that say that they are wrong. */
export function expectedErrors(text: string): number[] {
  return text.split('\n').flatMap((line, index) => (line.endsWith('// error') ? [index + 1] : []));
}
