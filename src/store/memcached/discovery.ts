import { CacheError } from '../../errors.js';
import type { CallOptions, Settled } from '../store.js';
import type { Connection } from './connection.js';
import type { Node } from './target.js';

/**
 * Asks ElastiCache's configuration endpoint for the nodes of its cluster. The answer's first line is a version, the second
 * has `host|address|port` for each: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/AutoDiscovery.AddingToYourClientLibrary.html
 */
export async function discoverNodes(
  endpoint: Connection,
  options?: CallOptions,
): Promise<Settled<readonly Node[]>> {
  const [reply] = await endpoint.exchange(['config get cluster\r\n'], options);
  if (reply instanceof CacheError) return reply;
  const [, line = ''] = reply?.values[0]?.text.split('\n') ?? [];
  const nodes = line
    .trim()
    .split(' ')
    .flatMap((node) => {
      const [host, address, port] = node.split('|');
      return host || address ? [{ host: host || (address as string), port: Number(port) }] : [];
    });
  if (nodes.length > 0) return nodes;
  return new CacheError(
    'The configuration endpoint names no nodes: ?discover is for that of an ElastiCache cluster, others are named one by one.',
    { answered: true },
  );
}
