import { readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Parcel, Parcels } from './parcels.js';

/** A file, or all files below a folder, by their paths: a copy of a bucket has no endings to go by. */
export function fileParcels(path: string): Parcels {
  return {
    async *list(after) {
      for (const name of await namesBelow(path)) {
        if (after === undefined || name > after) yield fileParcel(name);
      }
    },
    async close() {},
  };
}

async function namesBelow(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function fileParcel(name: string): Parcel {
  return { name, read: () => readFile(name, 'utf8'), remove: () => unlink(name) };
}
