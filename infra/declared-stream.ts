import type { ITable } from 'aws-cdk-lib/aws-dynamodb';

/** A table with a stream that the handler can use. */
export interface DeclaredStream {
  readonly table: ITable;
  readonly streamArn: string;
  /** The patterns of the mapping's filter, where the table is declared `filtered`. */
  readonly filters?: { readonly pattern: string }[] | undefined;
  /** The table's entry in `STREAM_CACHE_TABLES`, as JSON; to be asked for at synthesis, when the table is complete. */
  declaration(): string;
}
