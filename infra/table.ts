import { Annotations, CfnResource, Stack, Token } from 'aws-cdk-lib';
import type { CfnTable, ITable } from 'aws-cdk-lib/aws-dynamodb';
import { filterCriteriaOf } from '../src/item-rules.js';
import { type DeclaredTable, declaredPartitionKey } from '../src/options.js';
import type { DeclaredStream } from './declared-stream.js';
import { checkOptions } from './environment.js';
import type { MappingOptions } from './mapping.js';

export interface TableOptions {
  /**
   * What the function and the readers are told of this table. Keys, indexes and the TTL attribute come from the table's
   * definition, and what is given here goes over it. An imported table has no definition: without this, any change of the
   * table ends all its query results. A text is taken for the whole, as JSON.
   */
  readonly declare?: Omit<DeclaredTable, 'key' | 'value' | 'alsoDelete'> | string;
  /** Settings of the event source mapping. */
  readonly mapping?: MappingOptions;
}

/** @throws Error when the table has no stream, or one without both images; ConfigError when an option is wrong */
export function streamOf(table: ITable, { declare = {} }: TableOptions): DeclaredStream {
  const definition = definitionOf(table);
  const fail = (what: string) =>
    new Error(
      `StreamCache: cannot cache the table ${table.node.path}: ${what}. Give it \`stream: StreamViewType.NEW_AND_OLD_IMAGES\` (Table) or \`dynamoStream: StreamViewType.NEW_AND_OLD_IMAGES\` (TableV2); import another stack's table with its tableStreamArn.`,
    );
  // Its name is not known yet; what it is called in the code may have any character.
  const name = table.node.id.replace(/[^\w.-]/g, '_');
  const declared =
    typeof declare === 'string' ? {} : { ...(definition && declarationOf(definition)), ...declare };
  checkOptions({ tables: { [name]: declared } });
  const { tableStreamArn } = table;
  const view = definition && viewOf(definition);
  if (tableStreamArn === undefined || (definition !== undefined && view === undefined)) {
    throw fail('it has no stream');
  }
  if (view !== undefined && view !== 'NEW_AND_OLD_IMAGES' && !Token.isUnresolved(view)) {
    throw fail(`its stream has the view ${view}, and the handler needs both images`);
  }
  if (definition === undefined && Object.keys(declare).length === 0) {
    Annotations.of(table).addInfo(
      'StreamCache: the keys of an imported table are not known. Until you `declare` them, any change of the table ends all its query results.',
    );
  }
  return {
    table,
    streamArn: tableStreamArn,
    filters: declared.filtered ? filterCriteriaOf(declared.items ?? []).filters : undefined,
    declaration: () =>
      typeof declare === 'string'
        ? declare
        : JSON.stringify({ ...(definition && declarationOf(definition)), ...declare }),
  };
}

/** `CfnGlobalTable`, which is below TableV2, has the same members that are read here. */
type Definition = CfnTable;

const DEFINITIONS: readonly string[] = ['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'];

function definitionOf(table: ITable): Definition | undefined {
  const child = table.node.defaultChild;
  return CfnResource.isCfnResource(child ?? {}) &&
    DEFINITIONS.includes((child as CfnResource).cfnResourceType)
    ? (child as Definition)
    : undefined;
}

function viewOf(definition: Definition): string | undefined {
  const stream = Stack.of(definition).resolve(definition.streamSpecification) as
    | { streamViewType?: string }
    | undefined;
  return stream?.streamViewType;
}

function declarationOf(definition: Definition): DeclaredTable {
  const resolve = (value: unknown) => Stack.of(definition).resolve(value);
  const keys: KeyElement[] = resolve(definition.keySchema);
  const indexes: Index[] = [
    ...(resolve(definition.globalSecondaryIndexes) ?? []),
    ...(resolve(definition.localSecondaryIndexes) ?? []),
  ];
  const ttl: { attributeName: string; enabled: boolean } | undefined = resolve(
    definition.timeToLiveSpecification,
  );
  return {
    partitionKey: named(keys, 'HASH')[0],
    sortKey: named(keys, 'RANGE')[0] ?? null,
    indexes: Object.fromEntries(
      indexes.map(({ indexName, keySchema }) => [
        indexName,
        { partitionKey: declaredPartitionKey(named(keySchema, 'HASH')) },
      ]),
    ),
    ...(ttl?.enabled && { ttlAttribute: ttl.attributeName }),
  };
}

interface KeyElement {
  readonly attributeName: string;
  readonly keyType: string;
}

interface Index {
  readonly indexName: string;
  readonly keySchema: readonly KeyElement[];
}

function named(keys: readonly KeyElement[], keyType: 'HASH' | 'RANGE'): string[] {
  return keys.filter((key) => key.keyType === keyType).map(({ attributeName }) => attributeName);
}
