import { Ajv } from 'ajv';
import { expect } from 'vitest';
import { METRIC_NAMESPACE, METRICS, type MetricName } from '../../src/metrics/names.js';
import { EMF_SCHEMA, NUMBERS_SCHEMA, TEXT_SCHEMA } from './emf-schema.js';

interface EmfLine {
  _aws: {
    Timestamp: number;
    CloudWatchMetrics: {
      Namespace: string;
      Dimensions: string[][];
      Metrics: { Name: MetricName; Unit: string }[];
    }[];
  };
  service: string;
  table?: string;
  [member: string]: unknown;
}

/** What a line publishes: values by metric, of a table or of the process. */
export interface Published {
  readonly service: string;
  readonly table: string | undefined;
  readonly metrics: Readonly<Record<string, unknown>>;
}

const ajv = new Ajv({ strict: true, allErrors: true });
const isEmf = ajv.compile<EmfLine>(EMF_SCHEMA);
const isNumbers = ajv.compile(NUMBERS_SCHEMA);
const isText = ajv.compile(TEXT_SCHEMA);

/** Reads standard output that has nothing but metrics, and holds it to the specification and to the list of names. */
export function readEmf(output: string, namespace = METRIC_NAMESPACE): Published[] {
  const lines = output.split('\n').filter((line) => line !== '');
  return lines.map((line) => readLine(JSON.parse(line), namespace));
}

function readLine(line: unknown, namespace: string): Published {
  if (!isEmf(line)) throw new Error(`not EMF: ${ajv.errorsText(isEmf.errors)}`);
  expect(Math.abs(Date.now() - line._aws.Timestamp)).toBeLessThan(120_000);
  const metrics: Record<string, unknown> = {};
  for (const directive of line._aws.CloudWatchMetrics) {
    expect(directive.Namespace).toBe(namespace);
    expect(directive.Dimensions).toEqual([line.table === undefined ? ['service'] : ['service', 'table']]);
    for (const dimension of directive.Dimensions.flat()) expect(isText(line[dimension])).toBe(true);
    for (const { Name, Unit } of directive.Metrics) {
      expect(isNumbers(line[Name]), Name).toBe(true);
      const { unit, per } = METRICS[Name] ?? expect.unreachable(`${Name} is not in the list of metrics`);
      expect({ Name, Unit, per }).toEqual({
        Name,
        Unit: unit,
        per: line.table === undefined ? 'service' : 'table',
      });
      metrics[Name] = line[Name];
    }
  }
  const { _aws, service, table, ...values } = line;
  expect(values).toEqual(metrics);
  return { service, table, metrics };
}
