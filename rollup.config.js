import { builtinModules } from 'node:module';
import { readFileSync } from 'node:fs';
import dts from 'rollup-plugin-dts';
import esbuild from 'rollup-plugin-esbuild';

const manifest = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));

// One line adds a subpath: its name in `exports` and the file that holds its named exports.
const entries = {
  index: 'src/index.ts',
  audit: 'src/audit/index.ts',
  browser: 'src/stores/browser/index.ts',
  grants: 'src/grants/index.ts',
  messages: 'src/messages/index.ts',
  react: 'src/react/index.ts',
  redis: 'src/stores/redis/index.ts',
  reporters: 'src/reporters/index.ts',
  server: 'src/server/index.ts',
  testing: 'src/testing/index.ts',
};

const packages = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
const external = (id) =>
  id.startsWith('node:') ||
  builtinModules.includes(id) ||
  packages.some((name) => id === name || id.startsWith(`${name}/`));

// What every entry point may import is one file of its own, under a name that stays: no hash.
const shared = {
  manualChunks: (id) => (/[\\/]src[\\/](core[\\/]|types|errors|decode)/.test(id) ? 'core' : undefined),
};
const chunkFileNames = (extension) => `shared/[name].${extension}`;

const code = {
  input: entries,
  external,
  plugins: [esbuild({ target: 'es2022' })],
  output: [
    {
      ...shared,
      dir: 'dist',
      format: 'es',
      entryFileNames: '[name].js',
      chunkFileNames: chunkFileNames('js'),
    },
    {
      ...shared,
      dir: 'dist',
      format: 'cjs',
      entryFileNames: '[name].cjs',
      chunkFileNames: chunkFileNames('cjs'),
      // axios-retry's CommonJS build is `{ __esModule, default }`; any other interop calls an object.
      interop: 'auto',
    },
  ],
};

const types = {
  input: entries,
  external,
  plugins: [dts({ tsconfig: './tsconfig.json' })],
  output: ['d.ts', 'd.cts'].map((extension) => ({
    ...shared,
    dir: 'dist',
    format: 'es',
    entryFileNames: `[name].${extension}`,
    chunkFileNames: chunkFileNames(extension),
  })),
};

// The demos run without the types, which take most of the time.
export default ({ configCodeOnly }) => (configCodeOnly ? [code] : [code, types]);
