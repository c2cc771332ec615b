/** The Markdown that users read, and the code in it. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

export const root = join(__dirname, '..', '..');

export interface Document {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

/** A fence whose info string starts with `ts` or `tsx`. */
export interface Block {
  /** `README.md:12`, the line of its first statement. */
  readonly place: string;
  readonly line: number;
  readonly path: string;
  readonly jsx: boolean;
  /** ` run`: it is executed too. ` ignore`: it is a fragment that cannot be compiled. */
  readonly mode: 'check' | 'run' | 'ignore';
  readonly code: string;
}

export interface Link {
  readonly place: string;
  readonly target: string;
}

function documentOf(path: string): Document {
  return { path: relative(root, path).split(sep).join('/'), text: readFileSync(path, 'utf8') };
}

export function documents(): Document[] {
  const names = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'];
  const named = [...names, 'bench/README.md', 'examples/react/README.md'].map((name) => join(root, name));
  const folder = join(root, 'docs');
  const guides = existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(folder, name))
    : [];
  return [...named, ...guides.sort()].filter((path) => existsSync(path)).map(documentOf);
}

const fence = /^( *)```([^\n`]*)\n(.*?)^ *```$/gms;

export function blocksOf({ path, text }: Document): Block[] {
  return [...text.matchAll(fence)].flatMap(({ index, 1: indent = '', 2: info = '', 3: code = '' }) => {
    const [language = '', mode = 'check', ...rest] = info.trim().split(/\s+/);
    if (!['ts', 'tsx', 'typescript'].includes(language)) return [];
    const line = text.slice(0, index).split('\n').length + 1;
    const place = `${path}:${line}`;
    if ((mode !== 'check' && mode !== 'run' && mode !== 'ignore') || rest.length > 0) {
      throw new Error(`${place}: "${info.trim()}" is neither "ts", "ts run" nor "ts ignore"`);
    }
    const own = code.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
    return [{ place, line, path, jsx: language === 'tsx', mode, code: own }];
  });
}

const withoutCode = (text: string) =>
  text
    .replaceAll(fence, (block) => block.replaceAll(/[^\n]/g, ''))
    .replaceAll(/`[^`\n]*`/g, (span) => ' '.repeat(span.length));

/** Links to other files of the repository and to headings. */
export function linksOf({ path, text }: Document): Link[] {
  const prose = withoutCode(text);
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(({ index, 1: target = '' }) =>
    /^[a-z]+:/i.test(target) ? [] : [{ place: `${path}:${prose.slice(0, index).split('\n').length}`, target }],
  );
}

/** The anchors that GitHub makes of a document's headings. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const prose = text.replaceAll(fence, '');
  for (const [, heading = ''] of prose.matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  for (const [, name = ''] of prose.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(name);
  return anchors;
}

export function leadsSomewhere(from: Document, target: string): boolean {
  const [file = '', anchor] = decodeURI(target).split('#');
  const path = file === '' ? join(root, from.path) : join(root, dirname(from.path), file);
  if (!existsSync(path)) return false;
  return anchor === undefined || !path.endsWith('.md') || anchorsOf(readFileSync(path, 'utf8')).has(anchor);
}
