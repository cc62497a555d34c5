import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AttributeType, type ITable, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { StreamCache, type StreamCacheProps } from '../../infra/index.js';

// AWS's own validation takes a second for each stack. The example and the template are validated as they are made.
process.env.CDK_VALIDATION = 'false';

export interface World {
  readonly stack: Stack;
  readonly vpc: IVpc;
  readonly table: ITable;
}

/** A stack with a StreamCache, and with what `more` adds to it. */
export function streamCache(
  props: Partial<StreamCacheProps> | ((world: World) => Partial<StreamCacheProps>) = {},
  more: (cache: StreamCache, world: World) => void = () => {},
) {
  const stack = new Stack(new App(), 'Shop');
  const vpc = asVpc(new Vpc(stack, 'Vpc', { natGateways: 0, maxAzs: 2 }));
  const world = { stack, vpc, table: asTable(ordersTable(stack)) };
  const given = typeof props === 'function' ? props(world) : props;
  const cache = new StreamCache(stack, 'Cache', {
    ...world,
    ...given,
    handler: { code: inlineCode(), ...given.handler },
  });
  more(cache, world);
  return { cache, template: Template.fromStack(stack), ...world };
}

export function ordersTable(stack: Stack, stream = StreamViewType.NEW_AND_OLD_IMAGES): Table {
  return new Table(stack, 'Orders', {
    partitionKey: { name: 'customerId', type: AttributeType.STRING },
    sortKey: { name: 'orderId', type: AttributeType.NUMBER },
    timeToLiveAttribute: 'expiresAt',
    stream,
  });
}

export function readerFunction({ stack, vpc }: World, isInVpc = true): LambdaFunction {
  return new LambdaFunction(stack, 'Reader', {
    code: inlineCode(),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
    ...(isInVpc && { vpc }),
  });
}

/** The properties of the only resource of a type, or of the one whose logical ID begins so. */
export function propertiesOf(template: Template, type: string, id = '') {
  const found = Object.entries(template.findResources(type)).filter(([name]) => name.startsWith(id));
  if (found.length !== 1) throw new Error(`There are ${found.length} resources ${type} ${id}.`);
  return found[0]?.[1].Properties;
}

interface Intrinsic {
  readonly Ref?: string;
  readonly 'Fn::GetAtt'?: readonly string[];
  readonly 'Fn::Join'?: readonly [separator: string, parts: readonly unknown[]];
}

/** A text of the template with `<LogicalId.Attribute>` where something is known at deployment only. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value as Intrinsic;
  if (join !== undefined) return join[1].map(textOf).join(join[0]);
  return `<${Ref ?? attribute?.join('.')}>`.replace(/[0-9A-F]{8}(?=[.>])/, '');
}

/** Who may do what: `action on resource`, of the policies of a role. */
export function permissionsOf(template: Template, role: string): string[] {
  const { PolicyDocument } = propertiesOf(template, 'AWS::IAM::Policy', role);
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);
  return PolicyDocument.Statement.flatMap(
    ({ Effect, Action, Resource }: Record<'Effect' | 'Action' | 'Resource', unknown>) =>
      list(Action).flatMap((action) =>
        list(Resource).map(
          (resource) => `${Effect === 'Allow' ? '' : `${Effect} `}${action} on ${textOf(resource)}`,
        ),
      ),
  ).sort();
}

// aws-cdk-lib's own types disagree where optional properties are exact.
export const asTable = (table: unknown) => table as ITable;
const asVpc = (vpc: unknown) => vpc as IVpc;

export function inlineCode(): Code {
  return Code.fromInline('exports.handler = async () => ({ batchItemFailures: [] });');
}
