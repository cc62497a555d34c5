import type { Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { Connections, IConnectable, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { EventSourceMapping, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { DEFAULT_SERVICE } from '../src/environment.js';
import { addCacheAlarms, addHandlerAlarms, addTableAlarms, type MonitoringOptions } from './alarms.js';
import type { Cache } from './cache.js';
import { addTableRow, newDashboard } from './dashboard.js';
import type { DeclaredStream } from './declared-stream.js';
import { type CommonSettings, checkOptions, environmentOf } from './environment.js';
import { type FailureOptions, failureBucket } from './failure-bucket.js';
import { type HandlerOptions, streamHandler } from './handler.js';
import { mapStream } from './mapping.js';
import { type CacheOptions, openCache } from './open-cache.js';
import { streamOf, type TableOptions } from './table.js';
import { type VerifyOptions, verifyFunction, verifyTable } from './verifier.js';

export interface StreamCacheProps {
  /** The table to cache: it needs a stream with new and old images. More follow with {@link StreamCache.addTable}. */
  readonly table: ITable;
  /** What is special about that table. */
  readonly tableOptions?: TableOptions;
  /**
   * The network of the cache, of the function and of all readers. Only with a cache of Momento's it may be left out: the function
   * is then in none.
   */
  readonly vpc?: IVpc;
  /** Subnets of the cache and the function; they need no way out. Default: the VPC's private ones. */
  readonly vpcSubnets?: SubnetSelection;
  /** Which cache. Default: a new ElastiCache Serverless cache for Valkey, with TLS and IAM authentication. */
  readonly cache?: CacheOptions;
  /** Options of the package that the function and the readers have to share. */
  readonly settings?: CommonSettings;
  /**
   * Lets the function publish metrics, for which CloudWatch charges, and watches them. Readers publish theirs with
   * `withMetrics` of `dynamodb-stream-cache/metrics`. Default false.
   */
  readonly metrics?: boolean;
  /** The function on the streams. */
  readonly handler?: HandlerOptions;
  /** The bucket of what Lambda gave up on. */
  readonly failures?: FailureOptions;
  /** Alarms and the dashboard. */
  readonly monitoring?: MonitoringOptions;
  /**
   * Compares items with the tables now and then, drawn by lot, and raises an alarm where one differs. Its function is in the network of the
   * cache, which then needs a gateway endpoint of DynamoDB. Default: none. Not for Momento's caches without `code` of your own.
   */
  readonly verify?: VerifyOptions;
}

/**
 * A cache that the streams of DynamoDB tables keep true: the cache, the function with the bundled handler, the mapping of
 * each table's stream to it, the bucket of what Lambda gave up on, alarms and a dashboard.
 *
 * @example
 * const cache = new StreamCache(this, 'Cache', { table, vpc });
 * cache.connectReader(api);
 */
export class StreamCache extends Construct implements IConnectable {
  /** Opens the cache to what is not a Lambda function: `cache.connections.allowDefaultPortFrom(service)`. */
  readonly connections: Connections;
  /** The function on the streams. */
  readonly handler: LambdaFunction;
  /** What Lambda gave up on, with the events. */
  readonly failureBucket: IBucket;
  /** What readers have in their environment; the middleware needs nothing else, but the code of IAM authentication. */
  readonly readerEnvironment: Readonly<Record<string, string>>;

  readonly #cache: Cache;
  readonly #dashboard: Dashboard | undefined;
  readonly #monitoring: MonitoringOptions;
  readonly #readerService: string | undefined;
  readonly #streams: DeclaredStream[] = [];
  readonly #verifier: LambdaFunction | undefined;

  constructor(scope: Construct, id: string, props: StreamCacheProps) {
    super(scope, id);
    const { vpc, handler = {}, settings = {}, monitoring = {}, metrics = false } = props;
    checkOptions(settings);
    const network = vpc && { vpc, subnets: vpc.selectSubnets(props.vpcSubnets) };
    this.#monitoring = monitoring;
    this.#readerService = metrics ? (monitoring.readerService ?? DEFAULT_SERVICE) : undefined;
    this.#cache = openCache(this, network, props.cache);
    this.connections = this.#cache.connections;
    this.readerEnvironment = environmentOf(this.#cache, settings, this.#streams);
    this.failureBucket = failureBucket(this, props.failures);
    const surroundings = {
      network,
      zip: this.#cache.zip,
      bucket: this.failureBucket,
      environment: { ...this.readerEnvironment, ...(metrics && { STREAM_CACHE_METRICS: 'true' }) },
    };
    this.handler = streamHandler(this, surroundings, handler);
    this.#cache.grantConnect(this.handler);
    if (network !== undefined) this.#cache.admit(this.handler);
    addHandlerAlarms(this, this.handler, monitoring);
    addCacheAlarms(this, this.#cache, monitoring);
    this.#dashboard =
      monitoring.dashboard === false ? undefined : newDashboard(this, this.handler, this.#cache);
    if (props.verify !== undefined) {
      this.#verifier = verifyFunction(this, network, this.#streams, props.verify);
      this.connectReader(this.#verifier);
    }
    this.addTable(props.table, props.tableOptions);
  }

  /**
   * Caches one more table.
   *
   * @throws Error when the table has no stream, or one without both images; ConfigError when an option is wrong
   */
  addTable(table: ITable, options: TableOptions = {}): EventSourceMapping {
    const stream = streamOf(table, options);
    const suffix = this.#streams.length === 0 ? '' : `${this.#streams.length + 1}`;
    const mapping = mapStream(this, `Stream${suffix}`, {
      stream,
      handler: this.handler,
      bucket: this.failureBucket,
      options: options.mapping ?? {},
    });
    this.#streams.push(stream);
    const watched = { stream, mapping, readerService: this.#readerService };
    addTableAlarms(this, suffix, watched, this.#monitoring);
    if (this.#verifier !== undefined) verifyTable(this, suffix, this.#verifier, stream, this.#monitoring);
    if (this.#dashboard !== undefined) addTableRow(this.#dashboard, watched);
    return mapping;
  }

  /**
   * Lets a function read through the middleware: environment, network and the permission to connect. What it may do on
   * the table remains to be granted.
   *
   * @throws Error when the function is in no VPC, and the cache is
   */
  connectReader(reader: LambdaFunction): void {
    if (this.#cache.isInNetwork && !reader.isBoundToVpc) {
      throw new Error(
        `StreamCache ${this.node.path}: cannot connect the reader ${reader.node.path}: it is in no VPC, and the cache is in one only. Give the function the vpc of the cache.`,
      );
    }
    for (const [name, value] of Object.entries(this.readerEnvironment)) reader.addEnvironment(name, value);
    this.grantConnect(reader);
    if (reader.isBoundToVpc) this.#cache.admit(reader);
  }

  /** Permits to connect to the cache with IAM; without effect where the cache has no IAM authentication. */
  grantConnect(grantee: IGrantable): Grant {
    return this.#cache.grantConnect(grantee) ?? Grant.drop(grantee, 'the cache has no IAM authentication');
  }
}
