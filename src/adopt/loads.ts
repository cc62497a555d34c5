import module from 'node:module';

/**
 * Node's loader of CommonJS, of which the SDK's packages are: `import` goes there too. What it has of documented hooks sees neither every
 * way to name a module, nor, before 22.15, what is required.
 */
interface CommonJsModule {
  readonly exports: object;
  load(this: CommonJsModule, file: string): void;
}

/**
 * Tells what each copy of some packages exports, whoever loads it from now on, before anybody else has it.
 *
 * @param tell is also told of the packages' other files
 */
export function onLoadOf(packages: readonly string[], tell: (exports: object) => void): void {
  const { prototype } = module as unknown as { prototype: CommonJsModule };
  const { load } = prototype;
  const wanted = new RegExp(
    `[\\\\/]node_modules[\\\\/](?:${packages.join('|').replaceAll('/', '[\\\\/]')})[\\\\/]`,
  );
  prototype.load = function (file) {
    load.call(this, file);
    if (wanted.test(file)) tell(this.exports);
  };
}
