import { createHash } from 'node:crypto';
import { MEMCACHED_PORT, type Node } from './target.js';

/** Names the node that a key belongs to. */
export type Ring = (name: string) => Node;

const HASHES = 40;
const POINTS_OF_A_HASH = 4;

/**
 * Consistent hashing with MD5 and 160 points a node, as libmemcached's ketama and the clients that follow it do: clients with
 * the same nodes agree, and a node that goes takes its own keys with it and no others.
 */
export function newRing(nodes: readonly Node[]): Ring {
  const [only] = nodes;
  if (only !== undefined && nodes.length === 1) return () => only;
  const points = nodes
    .flatMap((node) => pointsOf(node).map((point) => ({ point, node })))
    .sort((a, b) => a.point - b.point);
  return (name) => {
    const hash = createHash('md5').update(name).digest().readUInt32LE(0);
    let [low, high] = [0, points.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((points[middle]?.point ?? 0) < hash) low = middle + 1;
      else high = middle;
    }
    return (points[low] ?? points[0])?.node as Node;
  };
}

function pointsOf({ host, port }: Node): number[] {
  const name = port === MEMCACHED_PORT ? host : `${host}:${port}`;
  return Array.from({ length: HASHES }, (_, index) =>
    createHash('md5').update(`${name}-${index}`).digest(),
  ).flatMap((hash) => Array.from({ length: POINTS_OF_A_HASH }, (_, part) => hash.readUInt32LE(4 * part)));
}
