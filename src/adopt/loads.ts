import module, { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** What Node has of hooks from 22.15 on: https://nodejs.org/api/module.html#moduleregisterhooksoptions */
interface ModuleHooks {
  registerHooks?(hooks: {
    resolve(specifier: string, context: object, next: Resolve): { url: string };
  }): void;
}

type Resolve = (specifier: string, context: object) => { url: string };

/** Where CommonJS modules come from, of which the SDK's are: `import` looks there too. */
interface CommonJsLoader {
  _load(request: string, ...others: unknown[]): unknown;
}

/**
 * Tells what each copy of some packages exports, whoever loads it from now on, before anybody else has it.
 *
 * @param tell may be told of one more than once
 */
export function onLoadOf(packages: readonly string[], tell: (exports: object) => void): void {
  const require = createRequire(import.meta.url);
  const { registerHooks } = module as ModuleHooks;
  if (registerHooks !== undefined) {
    registerHooks({
      resolve(specifier, context, next) {
        const resolved = next(specifier, context);
        if (packages.includes(specifier)) tell(require(fileURLToPath(resolved.url)));
        return resolved;
      },
    });
    return;
  }
  const loader = module as unknown as CommonJsLoader;
  const load = loader._load;
  const wanted = new RegExp(`(?:^|node_modules[\\\\/])(?:${packages.join('|')})(?:$|[\\\\/])`);
  loader._load = function (request, ...others) {
    const exports = load.call(this, request, ...others);
    if (wanted.test(request)) tell(exports as object);
    return exports;
  };
}
