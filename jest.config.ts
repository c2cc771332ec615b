/** @jest-config-loader esbuild-register */
import { availableParallelism } from 'node:os';
import type { Config } from 'jest';

// All servers are on this machine, and what a script prints is compared: neither is for the user's shell to change.
for (const name of Object.keys(process.env)) {
  if (/^((https?|all|no)_proxy|debug|(no|force)_color)$/i.test(name)) Reflect.deleteProperty(process.env, name);
}

const common = {
  transform: {
    '^.+\\.[cm]?tsx?$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
    // An ES module only, which Jest's loader cannot take as it is.
    '/node_modules/jose/.+\\.js$': ['@swc/jest', { jsc: { target: 'es2022' }, module: { type: 'commonjs' } }],
  },
  transformIgnorePatterns: ['/node_modules/(?!jose/)'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  injectGlobals: false,
  // Jest's soft clean-up of globals recurses for ever when an open handle of an earlier suite sets one of them.
  testEnvironmentOptions: { globalsCleanup: 'off' },
} satisfies Config;

const tsx = {
  ...common,
  transform: {
    '^.+\\.tsx?$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', tsx: true },
          transform: { react: { runtime: 'automatic' } },
        },
      },
    ],
  },
  testEnvironment: 'jsdom',
  // The server's half of React is that of Node.
  testEnvironmentOptions: { ...common.testEnvironmentOptions, customExportConditions: ['node'] },
  testMatch: ['<rootDir>/__tests__/react/**/*.test.tsx'],
} satisfies Config;

// Frameworks are published as ES modules, and Angular's decorators are those of its own compiler.
const frameworks = {
  ...common,
  transform: {
    '^.+\\.svelte$': '<rootDir>/__tests__/support/svelte.mjs',
    '^.+\\.([cm]?ts|m?js)$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
      },
    ],
  },
  transformIgnorePatterns: [],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json'],
  testEnvironment: 'jsdom',
  testMatch: ['<rootDir>/__tests__/recipes/**/*.test.ts'],
} satisfies Config;

// Everything that sends requests runs on both ends of the supported range of Axios.
const sends = ['<rootDir>/__tests__/{integration,guarantees,properties}/**/*.test.ts'];

const config: Config = {
  // Much of the time is spent in servers and browsers of the tests: two cores are not too few for two of them.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  // Days of fake time pass in seconds; a machine may be slow.
  testTimeout: 60_000,
  projects: [
    {
      ...common,
      displayName: 'node',
      testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/__tests__/(browser|e2e|recipes)/'],
    },
    {
      ...common,
      displayName: 'axios 1.8.4',
      testMatch: sends,
      moduleNameMapper: { ...common.moduleNameMapper, '^axios$': 'axios-lowest' },
    },
    {
      ...common,
      displayName: 'jsdom',
      testEnvironment: 'jsdom',
      testMatch: ['<rootDir>/__tests__/browser/**/*.test.ts'],
    },
    {
      ...common,
      displayName: 'chromium',
      testMatch: ['<rootDir>/__tests__/e2e/**/*.test.ts'],
    },
    { ...frameworks, displayName: 'frameworks' },
    { ...tsx, displayName: 'react 19', globals: { reactMajor: 19 } },
    {
      ...tsx,
      displayName: 'react 18',
      globals: { reactMajor: 18 },
      moduleNameMapper: { ...common.moduleNameMapper, '^react(-dom)?($|/.*)': 'react$1-18$2' },
    },
  ],
};

export default config;
