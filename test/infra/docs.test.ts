import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ACCESS_STRING } from '../../infra/access.js';
import { inlineCode, propertiesOf, streamCache } from './stacks.js';

const page = (name: string) => readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8');

test('the runbook says of every alarm what to do, and of none that there is not', () => {
  const alarms = (props: Parameters<typeof streamCache>[0]) =>
    Object.keys(streamCache(props).template.findResources('AWS::CloudWatch::Alarm'));
  const names = [
    ...alarms({ metrics: true, verify: { code: inlineCode() } }),
    ...alarms({ cache: { type: 'nodes', nodeType: 'cache.t4g.micro' } }),
  ].map((id) => /^Cache(\w+)Alarm/.exec(id)?.[1] ?? id);
  const raised = page('runbook.md')
    .split('\n')
    .filter((line) => /^\*\*Alarms?\*\*/.test(line))
    .flatMap((line) => line.match(/(?<=`)[A-Z][A-Za-z]+(?=`)/g) ?? []);
  expect([...new Set(raised)].sort()).toEqual([...new Set(names)].sort());
});

test('the page on deployment lists the settings of the mapping with the values that they have', () => {
  const section = page('deploy.md').split('## The event source mapping')[1] ?? '';
  const listed = [...section.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)].map(([, name, value = '']) => [
    name,
    value.replaceAll('`', ''),
  ]);
  const { FunctionName, EventSourceArn, Enabled, ...settings } = propertiesOf(
    streamCache().template,
    'AWS::Lambda::EventSourceMapping',
  );
  const flat = Object.entries(settings).map(([name, value]) => {
    if (name === 'DestinationConfig') return [name, 'an S3 bucket'];
    if (name === 'MetricsConfig') return [name, (value as { Metrics: string[] }).Metrics.join()];
    return [name, String(value)];
  });
  expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(flat));
});

test('the page on deployment lists what a user of a cache may do, as the construct has it', () => {
  expect(page('deploy.md')).toContain(`\n${ACCESS_STRING}\n`);
});
