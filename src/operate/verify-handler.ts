import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { resolveConfig } from '../config.js';
import { environmentService, environmentUrl, verifierEnvironment, wantsIam } from '../environment.js';
import { ConfigError } from '../errors.js';
import { METRIC_DIMENSIONS, METRIC_NAMESPACE } from '../metrics/names.js';
import type { Authentication } from '../store/redis/connection.js';
import { openOperated } from './open.js';
import { openTable } from './table.js';
import { repair, type Verified, verifyTable } from './verify.js';

export interface VerifierConfig {
  /** The cache's URL. Default: `STREAM_CACHE_URL`. */
  readonly cache?: string | undefined;
  /** The tables to compare. Default: `VERIFY_TABLES`, names with commas between them. */
  readonly tables?: readonly string[] | undefined;
  /** The first part of every key. Default: `STREAM_CACHE_NAMESPACE`, else none. */
  readonly namespace?: string | undefined;
  /** Items of each table to compare, drawn by lot. Default: `VERIFY_SAMPLE`, else 1,000. */
  readonly sample?: number | undefined;
  /** Read capacity units a second to use at most of each table. Default: `VERIFY_RCU`, else as many as there are. */
  readonly rcu?: number | undefined;
  /** Whether to take what differs out of the cache. Default: `VERIFY_REPAIR`, else false. */
  readonly repair?: boolean | undefined;
  /** When what differs is looked at again, in milliseconds after the look before. Default: 1, 5, 30 and 60 seconds. */
  readonly againAfterMs?: readonly number[] | undefined;
  /** Default: one for the Region and credentials of the environment. */
  readonly client?: DynamoDBClient | undefined;
  /** How connections authenticate with IAM. */
  readonly iam?: Authentication | undefined;
}

/** What came of one table. */
export interface VerifiedTable extends Omit<Verified, 'different'> {
  readonly tableName: string;
  /** How many differ to the last look. */
  readonly different: number;
}

/**
 * A Lambda handler for a schedule: compares items of tables that are drawn by lot with what is cached of them, and publishes for each table the
 * metrics `EntriesCompared` and `EntriesDifferent`, in CloudWatch's embedded metric format. Keys of what differs are logged at debug level alone.
 * The function needs some two minutes where something differs.
 *
 * @example export const handler = NewVerifyHandler({ tables: ['users'] });
 * @throws ConfigError when an option or variable is wrong
 */
export function NewVerifyHandler(config: VerifierConfig = {}): () => Promise<VerifiedTable[]> {
  const environment = verifierEnvironment();
  const tables = config.tables ?? environment.tables;
  const cache = config.cache ?? environmentUrl();
  if (tables.length === 0)
    throw new ConfigError('NewVerifyHandler has no tables: give tables, or set VERIFY_TABLES.');
  if (cache === '')
    throw new ConfigError('NewVerifyHandler has no cache: give cache, or set STREAM_CACHE_URL.');
  const { table: settingsOf, namespace } = resolveConfig({ cache: 'memory:', namespace: config.namespace });
  const client = config.client ?? new DynamoDBClient();
  const logger = new Logger({ serviceName: environmentService() });
  const { sample = environment.sample, rcu = environment.rcu, againAfterMs } = config;
  const isRepairing = config.repair ?? environment.repair;

  return async () => {
    const operated = await openOperated(cache, config.iam ?? (await iamOf(cache)));
    try {
      const all: VerifiedTable[] = [];
      for (const tableName of tables) {
        const table = openTable({ client, tableName, rcu });
        const { ttlMs, rules } = settingsOf(tableName);
        const verified = await verifyTable({
          ...{ cache: operated, table, tableName, namespace, ttlMs, sample, againAfterMs },
        });
        if (isRepairing) await repair(operated, verified.different, rules);
        const result = { ...verified, tableName, different: verified.different.length };
        publish(result);
        logger.info('Cache compared with its table', {
          ...result,
          repaired: isRepairing ? result.different : 0,
        });
        if (result.different > 0) logger.debug('Entries that differ', { different: verified.different });
        all.push(result);
      }
      return all;
    } finally {
      await operated.close();
    }
  };
}

async function iamOf(cache: string): Promise<Authentication | undefined> {
  if (!wantsIam({ STREAM_CACHE_URL: cache })) return undefined;
  return (await import('../iam/index.js')).iamAuthentication();
}

function publish({ tableName, items, results, different }: VerifiedTable): void {
  const metrics = new Metrics({
    namespace: METRIC_NAMESPACE,
    serviceName: environmentService(),
    defaultDimensions: { [METRIC_DIMENSIONS.table]: tableName },
  });
  metrics.addMetric('EntriesCompared', MetricUnit.Count, items + results);
  metrics.addMetric('EntriesDifferent', MetricUnit.Count, different);
  metrics.publishStoredMetrics();
}
