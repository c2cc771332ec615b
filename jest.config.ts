/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';

const common = {
  transform: {
    '^.+\\.[cm]?tsx?$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
    // An ES module only, which Jest's loader cannot take as it is.
    '/node_modules/jose/.+\\.js$': ['@swc/jest', { jsc: { target: 'es2022' }, module: { type: 'commonjs' } }],
  },
  transformIgnorePatterns: ['/node_modules/(?!jose/)'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  injectGlobals: false,
} satisfies Config;

// Everything that sends requests runs on both ends of the supported range of Axios.
const sends = ['<rootDir>/__tests__/{integration,guarantees,properties}/**/*.test.ts'];

const config: Config = {
  // Days of fake time pass in seconds; a machine may be slow.
  testTimeout: 60_000,
  projects: [
    {
      ...common,
      displayName: 'node',
      testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/__tests__/browser/', '/__tests__/e2e/'],
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
  ],
};

export default config;
