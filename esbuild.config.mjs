// Builds the package: `node esbuild.config.mjs`. Bundles a Lambda function of your own:
// `node esbuild.config.mjs <entry> <outfile>`, or with your own esbuild and `lambdaBundle()`.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @type {import('./esbuild.config.d.mts').lambdaBundle} */
export function lambdaBundle(entry, outfile) {
  return {
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    // Powertools' batch and ioredis look at the names of classes.
    keepNames: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    // ioredis is CommonJS and requires Node's own modules, which an ES module has to be given the means for.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    // ESM builds of dependencies are smaller than their CommonJS ones.
    mainFields: ['module', 'main'],
    conditions: ['module'],
    legalComments: 'none',
    // ioredis asks for a version of its own, which has the same code.
    alias: { 'cluster-key-slot': createRequire(import.meta.url).resolve('cluster-key-slot') },
    plugins: [luaText, unread],
  };
}

/** @type {import('./esbuild.config.d.mts').cachingClients} */
export function cachingClients(options) {
  return {
    name: 'caching-clients',
    // Built by this file, and so not there before.
    setup: async (build) => (await import('./dist/esbuild-plugin.js')).cachingClients(options).setup(build),
  };
}

/**
 * Lua scripts are imported as text, in the form that Vite and Vitest know: `./apply.lua?raw`. Comments and indents
 * stay behind.
 */
const luaText = {
  name: 'lua-text',
  setup(build) {
    build.onLoad({ filter: /\.lua$/ }, async ({ path }) => {
      const lines = (await readFile(path, 'utf8')).split('\n').map((line) => line.trim());
      return {
        contents: lines.filter((line) => line !== '' && !line.startsWith('--')).join('\n'),
        loader: 'text',
      };
    });
  },
};

/** The files of the page of `stream-cache dev --ui`, as text, in the same form. */
const pageText = {
  name: 'page-text',
  setup(build) {
    build.onLoad({ filter: /[\\/]ui[\\/]page\.(?:html|css|js)$/ }, async ({ path }) => ({
      contents: await readFile(path, 'utf8'),
      loader: 'text',
    }));
  },
};

/** Leaves out what nothing in a function reads, and every cold start would pay for. */
const unread = {
  name: 'unread',
  setup(build) {
    build.onLoad({ filter: /[\\/]@ioredis[\\/]commands[\\/].*\.json$/ }, async ({ path }) => ({
      contents: `
        const at = (keyStart, keyStop, step, flags = [], subcommands) =>
          ({ keyStart, keyStop, step, flags, subcommands });
        module.exports = ${commandsAsRead(JSON.parse(await readFile(path, 'utf8')))};`,
      loader: 'js',
    }));
    // ioredis' log for its own developers, which says nothing unless DEBUG is set.
    build.onResolve({ filter: /^debug$/ }, ({ importer }) =>
      /[\\/]ioredis[\\/]/.test(importer) ? { path: 'debug', namespace: 'silent' } : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'silent' }, () => ({
      contents: 'export default () => Object.assign(() => {}, { enabled: false });',
    }));
  },
};

/** What no URL can ask for, of which alone the function without code makes its client: the certificates of a vendor, and sentinels. */
const ofUrlsOnly = {
  name: 'of-urls-only',
  setup(build) {
    build.onLoad(
      { filter: /[\\/]ioredis[\\/].*[\\/](?:TLSProfiles|SentinelConnector[\\/]index)\.js$/ },
      () => ({
        contents: 'exports.default = {};',
      }),
    );
  },
};

/** The source of what ioredis asks of commands: where the keys of each are, and whether it has one of two flags. */
function commandsAsRead(commands) {
  return `{${Object.entries(commands).map(([name, command]) => `${JSON.stringify(name)}:${asRead(command)}`)}}`;
}

function asRead({ flags, keyStart, keyStop, step, subcommands = {} }) {
  const elsewhere = Object.entries(subcommands).filter(
    ([, sub]) => sub.keyStart !== keyStart || sub.keyStop !== keyStop || sub.step !== step,
  );
  const read = flags.filter((flag) => flag === 'readonly' || flag === 'loading');
  const more = [
    JSON.stringify(read),
    ...(elsewhere.length > 0 ? [commandsAsRead(Object.fromEntries(elsewhere))] : []),
  ];
  return `at(${[keyStart, keyStop, step, ...(read.length + elsewhere.length > 0 ? more : [])]})`;
}

/**
 * An entry's `import "./chunks/…"` without names is for a chunk's side effects. Ours have none, as package.json says,
 * which bundlers warn of.
 */
const namedImportsOnly = {
  name: 'named-imports-only',
  setup({ onEnd }) {
    onEnd(async ({ metafile }) => {
      for (const file of Object.keys(metafile.outputs).filter((name) => name.endsWith('.js'))) {
        await writeFile(file, (await readFile(file, 'utf8')).replace(/^import "\.[^"]*";\n/gm, ''));
      }
    });
  },
};

async function buildPackage() {
  const { build } = await import('esbuild');
  await rm('dist', { recursive: true, force: true }); // chunks of earlier builds have other names
  const { metafile } = await build({
    entryPoints: {
      index: 'src/index.ts',
      'iam/index': 'src/iam/index.ts',
      'metrics/index': 'src/metrics/index.ts',
      'opentelemetry/index': 'src/opentelemetry/index.ts',
      'memcached/index': 'src/store/memcached/index.ts',
      'glide/index': 'src/store/glide/index.ts',
      'momento/index': 'src/store/momento/index.ts',
      'local/index': 'src/local/index.ts',
      'operate/index': 'src/operate/index.ts',
      'cdk/index': 'infra/index.ts',
      auto: 'src/adopt/auto.ts',
      adopt: 'src/adopt/adopt.ts',
      'esbuild-plugin': 'src/adopt/esbuild-plugin.ts',
      rollup: 'src/adopt/rollup-plugin.ts',
      cli: 'src/cli/main.ts',
    },
    outdir: 'dist',
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    packages: 'external',
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    metafile: true,
    plugins: [luaText, pageText, namedImportsOnly],
  });
  await buildCommonJs(metafile.outputs);
  const others = ['iam', 'memcached', 'metrics', 'momento'].map((name) => `lambda-${name}.mjs`);
  const options = lambdaBundle('src/lambda.ts', 'dist/lambda.mjs');
  await build({
    ...options,
    external: others.map((file) => `./${file}`),
    plugins: [...options.plugins, ofUrlsOnly],
  });
  for (const file of others) {
    await build(lambdaBundle(`src/${file.replace('.mjs', '.mts')}`, `dist/${file}`));
  }
  // Momento's SDK is several times as large as all the rest: who uses it has a zip of its own.
  await zip(
    'dist/lambda.zip',
    ['lambda.mjs', ...others].filter((file) => file !== 'lambda-momento.mjs'),
  );
  // Lambda has the SDK, and who compares Momento's caches brings a bundle of their own.
  await build({
    ...lambdaBundle('src/lambda-verify.mts', 'dist/lambda-verify.mjs'),
    external: ['@aws-sdk/*', '@gomomento/sdk'],
  });
  await zip('dist/lambda-verify.zip', ['lambda-verify.mjs']);
  await zip('dist/lambda-momento.zip', ['lambda.mjs', 'lambda-metrics.mjs', 'lambda-momento.mjs']);
}

/**
 * The library once more, for Jest and whatever else cannot `require` an ES module: file by file what `dist` has, so that a
 * class or a `Map` that two entries share is one there as well.
 */
async function buildCommonJs(outputs) {
  const { build } = await import('esbuild');
  await build({
    entryPoints: filesOf(outputs),
    outbase: 'dist',
    outdir: 'dist/cjs',
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    // Jest has no `import()`.
    supported: { 'dynamic-import': false },
    define: { 'import.meta.filename': '__filename' },
  });
  await writeFile('dist/cjs/package.json', '{ "type": "commonjs", "sideEffects": false }\n');
}

/** Nothing that is required by its users' own code. */
const NOT_REQUIRED = ['cli', 'auto', 'adopt', 'esbuild-plugin', 'rollup'].map((name) => `dist/${name}.js`);

/** Built files: the entries that may be required, and the chunks that they need. */
function filesOf(outputs) {
  const isEntry = (file) => !file.startsWith('dist/chunks/') && !NOT_REQUIRED.includes(file);
  const files = new Set(Object.keys(outputs).filter(isEntry));
  for (const file of files) {
    for (const { path, external } of outputs[file].imports) if (!external) files.add(path);
  }
  return [...files];
}

/** Files of a folder as a zip beside them, ready to upload. */
async function zip(outfile, names) {
  const { zipSync } = await import('fflate');
  const files = {};
  for (const name of names) {
    // A fixed time stamp: the same code makes the same zip, which deployment tools compare.
    files[name] = [await readFile(join(dirname(outfile), name)), { mtime: '1980-01-02', level: 9 }];
  }
  await writeFile(outfile, zipSync(files));
}

/** Bundles a function of your own into a single file, and that into a zip. */
async function bundleLambda(entry, outfile) {
  const { build } = await import('esbuild');
  await build(lambdaBundle(entry, outfile));
  await zip(outfile.replace(/\.m?js$/, '.zip'), [basename(outfile)]);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [entry, outfile] = process.argv.slice(2);
  if (entry && !outfile) throw new Error('Usage: node esbuild.config.mjs [<entry> <outfile>]');
  // Not awaited: a module that awaits cannot be required, which a CDK app in CommonJS does.
  void (entry ? bundleLambda(entry, outfile) : buildPackage());
}
