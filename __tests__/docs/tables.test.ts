import { describe, expect, test } from '@jest/globals';
import { formatTable, tableIn, withTable } from '../support/tables.js';

const marks = (name: string, content = ''): string => `<!-- table: ${name} -->\n${content}<!-- /table -->`;
const table = formatTable(
  ['fault', 'failed'],
  [
    ['503', '0'],
    ['a | b', '$1'],
  ],
);

describe('a table that a program writes', () => {
  test('takes the place of the old one, and leaves the rest alone', () => {
    const document = `before\n${marks('one', 'old\n')}\nbetween\n${marks('two', 'kept\n')}\nafter\n`;
    const written = withTable(document, 'one', table);
    expect(written).toBe(`before\n${marks('one', `${table}\n`)}\nbetween\n${marks('two', 'kept\n')}\nafter\n`);
    expect(withTable(written, 'one', table)).toBe(written);
  });

  test('is read by the titles of its columns, text around it aside', () => {
    const document = marks('one', `${table}\n\nNode 20.\n`);
    expect(tableIn(document, 'one')).toStrictEqual([
      { fault: '503', failed: '0' },
      { fault: 'a \\| b', failed: '$1' },
    ]);
  });

  test('must have its marks once', () => {
    expect(() => withTable('nothing', 'one', table)).toThrow('The document has 0 tables "one", expected one.');
    expect(() => withTable(marks('one') + marks('one'), 'one', table)).toThrow('2 tables');
    expect(() => withTable(marks('one.two'), 'one', table)).toThrow('0 tables');
    expect(() => tableIn(marks('one'), 'one')).toThrow('The document has no table "one".');
  });
});
