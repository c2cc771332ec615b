/** Options held against rules: misuse is told at once, by name. */
import { describe, expect, test } from '@jest/globals';
import { checked, count, flag, isWhole, type Rules, type Whose } from '../../src/core/checks.js';

interface Options {
  readonly tries: number;
  readonly loud?: boolean;
}

const rules: Rules<Options> = { tries: count, loud: flag };
const told = (given: unknown, whose?: Whose<Options>): string => {
  try {
    checked<Options>(given, rules, whose);
  } catch (error) {
    return String(error);
  }
  return 'taken';
};

describe('checked', () => {
  test.each<readonly [given: unknown, whose: Whose<Options> | undefined, message: string]>([
    [{ tries: 1 }, { required: ['tries'] }, 'taken'],
    [{ tries: 1, loud: undefined }, undefined, 'taken'],
    [{}, undefined, 'taken'],
    [{ tries: 0 }, undefined, 'TypeError: Option "tries" must be a whole number of at least 1.'],
    [{ tries: null }, { path: 'retry' }, 'TypeError: Option "retry.tries" must be a whole number of at least 1.'],
    [{ loud: 1 }, { of: 'jsonRefresh' }, 'TypeError: Option "loud" of jsonRefresh must be true or false.'],
    [{ load: true }, undefined, 'TypeError: Unknown option "load". Known: tries, loud.'],
    [{ toString: 1 }, { path: 'a', of: 'b' }, 'TypeError: Unknown option "a.toString" of b. Known: tries, loud.'],
    [
      { tries: undefined },
      { required: ['tries'] },
      'TypeError: Option "tries" is missing: it must be a whole number of at least 1.',
    ],
    [undefined, undefined, 'TypeError: The options must be an object.'],
    [[], { of: 'jsonRefresh' }, 'TypeError: The options of jsonRefresh must be an object.'],
    [null, { path: 'retry' }, 'TypeError: Option "retry" must be an object.'],
  ])('%j, %j: %s', (given, whose, message) => {
    expect(told(given, whose)).toBe(message);
  });

  test('what is inherited is no option, neither of what is given nor of what is returned', () => {
    const given = Object.create({ tries: 'many' }) as Options;
    const options = checked<Options>(given, rules);
    expect(Object.getPrototypeOf(options)).toBeNull();
    expect(Object.keys(options)).toStrictEqual([]);
  });
});

test.each<readonly [value: unknown, fits: boolean]>([
  [2, true],
  [5, true],
  [1, false],
  [6, false],
  [2.5, false],
  ['3', false],
  [NaN, false],
])('isWhole from 2 to 5: %p is %p', (value, fits) => {
  expect(isWhole(2, 5)(value)).toBe(fits);
});
