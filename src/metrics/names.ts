/** The CloudWatch namespace, unless told otherwise. */
export const METRIC_NAMESPACE = 'DynamoDBStreamCache';

/** What metrics are told apart by: all have the first dimension, those of a table both. */
export const METRIC_DIMENSIONS = { service: 'service', table: 'table' } as const;

/**
 * Every metric there is, by name. `per` says which dimensions it has: `service` alone, or `service` and `table`. A count
 * is the sum since the last publishing, and is left out when it is zero; `StreamAge`, `BatchSize` and `BatchDuration` have
 * one value for each invocation, `StaleHitAge` one for each stale hit, `InvalidationLag` one for each record, or for 100 of them.
 */
export const METRICS = {
  /** Age of the oldest record of an invocation when it began. */
  StreamAge: { unit: 'Milliseconds', per: 'table' },
  /** From the table's change to the cache's, of up to 100 records of an invocation. */
  InvalidationLag: { unit: 'Milliseconds', per: 'table' },
  /** Records of an invocation. */
  BatchSize: { unit: 'Count', per: 'service' },
  /** How long an invocation took. */
  BatchDuration: { unit: 'Milliseconds', per: 'service' },
  /** What became of records, by outcome. */
  RecordsWritten: { unit: 'Count', per: 'table' },
  RecordsDeleted: { unit: 'Count', per: 'table' },
  RecordsUnchanged: { unit: 'Count', per: 'table' },
  RecordsSuperseded: { unit: 'Count', per: 'table' },
  RecordsStale: { unit: 'Count', per: 'table' },
  RecordsIncluded: { unit: 'Count', per: 'table' },
  RecordsLate: { unit: 'Count', per: 'table' },
  RecordsDisordered: { unit: 'Count', per: 'table' },
  RecordsOverlapping: { unit: 'Count', per: 'table' },
  RecordsSame: { unit: 'Count', per: 'table' },
  RecordsFull: { unit: 'Count', per: 'table' },
  RecordsSkipped: { unit: 'Count', per: 'table' },
  /** Records that Lambda delivers again. */
  RecordsFailed: { unit: 'Count', per: 'table' },
  /** Records whose image cannot be stored: their keys are deleted. */
  RecordsPoison: { unit: 'Count', per: 'table' },

  /** Items and results that readers asked for and found; the hit rate is `Hits / (Hits + Misses)`. */
  Hits: { unit: 'Count', per: 'table' },
  Misses: { unit: 'Count', per: 'table' },
  /** Where the mode of reading is `shadow`: answers of the cache that were compared with the table's, and those that were stale ... */
  ShadowReads: { unit: 'Count', per: 'table' },
  StaleHits: { unit: 'Count', per: 'table' },
  /** ... and for how long this process had seen each of them so. */
  StaleHitAge: { unit: 'Milliseconds', per: 'table' },
  /** What readers offered to the cache: it was stored ... */
  FillsStored: { unit: 'Count', per: 'table' },
  /** ... or refused, because something changed meanwhile, somebody else stored it, it is over, or the cache is full ... */
  FillsRefused: { unit: 'Count', per: 'table' },
  /** ... or the cache did not answer. */
  FillsFailed: { unit: 'Count', per: 'table' },
  /** Reads made strongly consistent, just after a change. */
  StrongReads: { unit: 'Count', per: 'table' },
  /** Entries that were not ours, or damaged. */
  EntriesUndecodable: { unit: 'Count', per: 'table' },
  /** Entries that could not be deleted after a write: the process does not read them meanwhile. */
  VoidsFailed: { unit: 'Count', per: 'table' },
  /** Cache operations of readers that were not answered, or with an error. */
  CacheFailures: { unit: 'Count', per: 'service' },
  /** 1 when a reader's breaker was open at any time since the last publishing, else 0; for processes that read. */
  BreakerOpen: { unit: 'Count', per: 'service' },
} as const satisfies Record<string, { unit: 'Count' | 'Milliseconds'; per: 'service' | 'table' }>;

export type MetricName = keyof typeof METRICS;
