/** Tables of a document that a program writes: everything between `<!-- table: name -->` and `<!-- /table -->`. */

const escapeForRegExp = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

const blockOf = (name: string): RegExp =>
  new RegExp(`(<!-- table: ${escapeForRegExp(name)} -->\\n)(.*?)(<!-- /table -->)`, 'gs');

export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), `|${'---|'.repeat(header.length)}`, ...rows.map(line)].join('\n');
}

/** The document with new content between the marks. Throws unless the marks are there once. */
export function withTable(document: string, name: string, content: string): string {
  const found = [...document.matchAll(blockOf(name))].length;
  if (found !== 1) throw new Error(`The document has ${found} tables "${name}", expected one.`);
  return document.replace(blockOf(name), (_, open: string, _old, close: string) => `${open}${content}\n${close}`);
}

/** The rows of a table as objects, by the titles of its columns. Throws if there is none. */
export function tableIn(document: string, name: string): Record<string, string>[] {
  const content = blockOf(name).exec(document)?.[2];
  const lines = (content ?? '').split('\n').filter((line) => line.startsWith('|'));
  const [header, , ...rows] = lines.map((line) => line.slice(2, -2).split(' | '));
  if (!header) throw new Error(`The document has no table "${name}".`);
  return rows.map((cells) => Object.fromEntries(header.map((title, column) => [title, cells[column] ?? ''])));
}
