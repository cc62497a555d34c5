import { Duration } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { inlineCode, streamCache } from './stacks.js';

const verify = { every: Duration.minutes(30), sample: 500, rcu: 50, code: inlineCode() };

test('Nothing compares the cache with its tables unless it is asked for', () => {
  const { template } = streamCache();
  template.resourceCountIs('AWS::Events::Rule', 0);
  template.resourceCountIs('AWS::Lambda::Function', 1);
});

test('A function compares items by lot on a schedule, with the permission to read the tables and no more', () => {
  const { template } = streamCache({ verify });
  template.hasResourceProperties('AWS::Events::Rule', {
    ScheduleExpression: 'rate(30 minutes)',
    Targets: [Match.objectLike({ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^CacheVerify'), 'Arn'] } })],
  });
  template.hasResourceProperties('AWS::Lambda::Function', {
    Handler: 'lambda-verify.handler',
    Environment: {
      Variables: Match.objectLike({
        VERIFY_SAMPLE: '500',
        VERIFY_RCU: '50',
        STREAM_CACHE_URL: Match.anyValue(),
        STREAM_CACHE_TABLES: Match.anyValue(),
      }),
    },
  });
  const statements = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
    ({ Properties }) => Properties.PolicyDocument.Statement as { Action: string | string[] }[],
  );
  const reading = statements.filter(({ Action }) => [Action].flat().includes('dynamodb:BatchGetItem'));
  expect(reading).toHaveLength(1);
  expect(reading[0]?.Action).toEqual(['dynamodb:DescribeTable', 'dynamodb:BatchGetItem', 'dynamodb:Scan']);
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    MetricName: 'EntriesDifferent',
    Threshold: 1,
    EvaluationPeriods: 1,
  });
});
