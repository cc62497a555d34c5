import { fileURLToPath } from 'node:url';
import {
  ADOPTED,
  adoptModule,
  type CachingClientsOptions,
  SIGNATURES,
  sdkModule,
} from './bundled-modules.js';

/** What is needed of the plugins of Rollup, Rolldown and Vite. */
interface RollupPlugin {
  readonly name: string;
  readonly enforce: 'pre';
  options(options: InputOptions): InputOptions;
  resolveId(
    this: Context,
    source: string,
    importer: string | undefined,
    options: object,
  ): Promise<Found | null>;
  load(this: Context, id: string): Promise<string | null>;
}

interface InputOptions {
  readonly external?: External | undefined;
}

type IsExternal = (source: string, importer: string | undefined, isResolved: boolean) => unknown;
type External = string | RegExp | readonly (string | RegExp)[] | IsExternal;

interface Context {
  resolve(source: string, importer?: string, options?: object): Promise<Found | null>;
}

interface Found {
  readonly id: string;
  readonly external?: boolean | 'absolute' | 'relative';
  readonly moduleSideEffects?: boolean | 'no-treeshake' | null;
}

const OURS = fileURLToPath(new URL('.', import.meta.url));

/** As Rollup's plugins name modules that are no files. */
const SDK = '\0caching-clients:';
const ADOPT = '\0caching-clients';

/**
 * Rollup, Rolldown and Vite (for code of servers): all clients of DynamoDB that a bundle makes read through the cache that the environment names.
 *
 * @example export default { input: 'src/app.js', output: { file: 'dist/app.mjs' }, plugins: [cachingClients(), nodeResolve()] };
 */
export function cachingClients(options: CachingClientsOptions = {}): RollupPlugin {
  let isOutside: IsExternal = () => false;
  return {
    name: 'caching-clients',
    enforce: 'pre',
    options({ external = [], ...others }) {
      isOutside = asFunction(external);
      // What stays outside is not shown to plugins, but the module that stands before it has to be put there.
      const isExternal: IsExternal = (source, ...from) => !ADOPTED.test(source) && isOutside(source, ...from);
      return { ...others, external: isExternal };
    },
    async resolveId(source, importer, more) {
      if (source === ADOPT) return { id: ADOPT, moduleSideEffects: true };
      if (!ADOPTED.test(source)) return null;
      const found = isOutside(source, importer, false)
        ? { id: source, external: true }
        : await this.resolve(source, importer, { ...more, skipSelf: true });
      if (found === null || importer?.startsWith(SDK)) return found;
      return { id: `${SDK}${source}:${found.external ? source : found.id}`, moduleSideEffects: true };
    },
    async load(id) {
      if (id === ADOPT) {
        const signatures = await this.resolve(SIGNATURES, `${OURS}adopt.js`);
        return adoptModule(OURS, options, signatures !== null);
      }
      if (!id.startsWith(SDK)) return null;
      const [sdkPackage = '', ...path] = id.slice(SDK.length).split(':');
      return sdkModule(sdkPackage, path.join(':'), ADOPT);
    },
  };
}

function asFunction(external: External): IsExternal {
  if (typeof external === 'function') return external;
  const all = [external].flat() as (string | RegExp)[];
  return (source) => all.some((each) => (typeof each === 'string' ? each === source : each.test(source)));
}
