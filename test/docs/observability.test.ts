import { describe, expect, test, vi } from 'vitest';
import { MEANING } from '../../src/cli/outcomes.js';
import { DEFAULT_SERVICE } from '../../src/environment.js';
import type { Report } from '../../src/index.js';
import { METRIC_NAMESPACE, METRICS } from '../../src/metrics/names.js';
import { run, subscribed } from '../support/examples.js';
import { code, page } from '../support/pages.js';
import { everythingThatIsLogged } from './everything-reported.js';

const PAGE = page('docs/observability.md');

test('the example that listens counts what was late', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const subscribed: ((message: unknown) => void)[] = [];
  await run(PAGE.exampleWith('subscribe'), {
    'node:diagnostics_channel': {
      subscribe: (_name: string, listener: (message: unknown) => void) => subscribed.push(listener),
    },
  });
  for (const listener of subscribed) listener({ type: 'batch', records: 3, outcomes: { late: 2 } });
  expect(log).toHaveBeenCalledWith('2 of 3 were late');
});

describe('what is said of observability', () => {
  const rowsOf = (title: string) => PAGE.tables(title)[0] ?? [];
  const [reportRows, outcomeRows, logRows] = [rowsOf('Reports'), rowsOf('Outcomes'), rowsOf('Log lines')];

  test('names every type of report and its fields', async () => {
    const byType: Record<Report['type'], true> = {
      record: true,
      poison: true,
      'invalidates-only': true,
      batch: true,
      hit: true,
      miss: true,
      fill: true,
      'strong-read': true,
      undecodable: true,
      void: true,
      declined: true,
      shadow: true,
      'reader-mode': true,
      attached: true,
      'left-alone': true,
      uncertain: true,
      'cache-failure': true,
      breaker: true,
    };
    const typesOf = (cell = '') => cell.split(', ').map(code);
    expect(reportRows.flatMap(([types]) => typesOf(types)).sort()).toEqual(Object.keys(byType).sort());

    const reports = subscribed();
    await everythingThatIsLogged();
    reports.stop();
    for (const [types, , holds = ''] of reportRows) {
      const named = [...holds.matchAll(/`(\w+)`/g)].map(([, name]) => name);
      for (const type of typesOf(types)) {
        const held = reports.of(type).flatMap((report) => Object.keys(report));
        expect([...new Set(held)].filter((name) => name !== 'type').sort(), type).toEqual(named.sort());
      }
    }
  });

  test('names every outcome', () => {
    expect(outcomeRows.map(([outcome]) => code(outcome)).sort()).toEqual(Object.keys(MEANING).sort());
  });

  test('names every line that can be logged, with its level', async () => {
    const named = logRows.flatMap(([level, lines = '']) =>
      [...lines.matchAll(/`([A-Z][^`]+)`/g)].map(([, line]) => `${level} ${line}`),
    );
    expect([...new Set(await everythingThatIsLogged())].sort()).toEqual(named.sort());
  });
});

describe('the metrics', () => {
  const rows = PAGE.tables('Metrics').flat();

  test('are all that there are, with their units and dimensions', () => {
    const listed = rows.flatMap(([names = '', unit, dimensions]) =>
      names.split(', ').map((name) => [code(name), { unit, dimensions }]),
    );
    const all = Object.entries(METRICS).map(([name, { unit, per }]) => [
      name,
      { unit, dimensions: per === 'table' ? 'service, table' : 'service' },
    ]);
    expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(all));
  });

  test('are in the namespace, and of the service, that is named', () => {
    expect(PAGE.section('Metrics')).toContain(`\`${METRIC_NAMESPACE}\``);
    expect(PAGE.section('Metrics')).toContain(`\`${DEFAULT_SERVICE}\``);
  });
});
