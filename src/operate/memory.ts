import type { Operated } from './operated.js';

/** How much a cache holds and may hold, of all its servers. */
export interface Memory {
  readonly usedBytes: number;
  /** Absent where nothing bounds it. */
  readonly mostBytes: number | undefined;
}

/** `undefined` where a cache does not say. */
export async function memoryOf(cache: Operated): Promise<Memory | undefined> {
  const servers = await cache.info?.().catch(() => undefined);
  const sum = (field: string) =>
    servers?.reduce((total, fields) => total + Number(fields.get(field)), 0) ?? Number.NaN;
  const usedBytes = sum('used_memory');
  return Number.isNaN(usedBytes) ? undefined : { usedBytes, mostBytes: sum('maxmemory') || undefined };
}
