import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What each file imports of the project's own files, for types too: the paths of both are below one root. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/** The imports of some files of a project, whether written `import`, `export … from` or `import(…)`. */
export function importsOf(root: string, files: readonly string[]): Imports {
  return new Map(
    files.map((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      const own = [...text.matchAll(IMPORT)].map(([, path = '']) => join(dirname(file), path));
      return [file, own.map((path) => fileOf(root, path))];
    }),
  );
}

/** Files that import each other by way of others, each circle as the way from a file back to itself. */
export function circlesIn(imports: Imports): string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  const way: string[] = [];
  const follow = (file: string) => {
    const start = way.indexOf(file);
    if (start >= 0) circles.push([...way.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    way.push(file);
    for (const imported of imports.get(file) ?? []) follow(imported);
    way.pop();
    done.add(file);
  };
  for (const file of imports.keys()) follow(file);
  return circles;
}

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*'(\.{1,2}\/[^'?]+)/g;

/** The file that is meant by the name of what a compiler would make of it. */
function fileOf(root: string, path: string): string {
  const source = path.replace(/js$/, 'ts');
  return existsSync(join(root, source)) ? source : path;
}
