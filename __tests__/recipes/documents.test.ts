/** The recipes are short, and the document shows them as they are. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(__dirname, '..', '..');
const recipes = readdirSync(join(root, 'examples', 'recipes')).filter((name) => !name.endsWith('.d.ts'));

test('there is one for each framework', () => {
  expect(recipes.sort()).toStrictEqual(['angular.ts', 'react-native.ts', 'svelte.ts', 'vue.ts']);
});

test.each(recipes)(
  '%s: 30 lines or less, over subscribe and getSnapshot or the hook, and in docs/frameworks.md',
  (name) => {
    const recipe = readFileSync(join(root, 'examples', 'recipes', name), 'utf8');
    expect(recipe.trimEnd().split('\n').length).toBeLessThanOrEqual(30);
    expect(recipe).toMatch(/subscribe\(.*getSnapshot\(|getSnapshot\(.*subscribe\(|useTokenSession\(/s);
    expect(readFileSync(join(root, 'docs', 'frameworks.md'), 'utf8')).toContain(recipe);
  },
);
