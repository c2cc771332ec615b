import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const typescript = ['**/*.{ts,tsx,mts,cts}'];
const outsideSrc = ['{__tests__,bench,examples,scripts}/**/*.{ts,tsx,mts,cts}'];

const exportsByName = [
  { selector: 'ExportAllDeclaration', message: 'List exports one by one: what is exported is a promise.' },
  { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
];
const looseLists = {
  selector: "CallExpression[callee.property.name='toEqual'] > ArrayExpression",
  message: 'toEqual lets further entries pass that are undefined: use toStrictEqual.',
};

export default defineConfig(
  // The fixtures are written into a consumer's project, in that project's dialect.
  globalIgnores(['dist/', 'coverage/', '__tests__/package/fixtures/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: typescript,
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', ...exportsByName],
      '@typescript-eslint/ban-ts-comment': [
        'error',
        { 'ts-check': true, 'ts-expect-error': true, 'ts-ignore': true, 'ts-nocheck': true },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      // `import { type A }` would still load the module.
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // `''` and `0` are often the same as nothing.
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: true }],
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true, argsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['src/**'],
    rules: {
      'no-console': 'error',
      // What adapters, callbacks and streams threw is passed on as it came.
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
    },
  },
  {
    // Callbacks of users are written `async` without awaiting, and do nothing on purpose: so do those of tests.
    files: outsideSrc,
    rules: {
      'no-restricted-syntax': ['error', ...exportsByName, looseLists],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    // Tools ask for a default export.
    files: ['*.{ts,js}', 'examples/*/vite.config.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
