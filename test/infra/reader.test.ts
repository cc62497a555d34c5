import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { expect, test } from 'vitest';
import { permissionsOf, propertiesOf, readerFunction, streamCache } from './stacks.js';

test('a reader gets the environment of the function, the way into the cache, and the permission to connect', () => {
  const { template } = streamCache({ settings: { namespace: 'shop' }, metrics: true }, (cache, world) =>
    cache.connectReader(readerFunction(world)),
  );
  const reader = propertiesOf(template, 'AWS::Lambda::Function', 'Reader');
  const handler = propertiesOf(template, 'AWS::Lambda::Function', 'CacheHandler');
  const { STREAM_CACHE_METRICS, ...shared } = handler.Environment.Variables;
  expect(reader.Environment.Variables).toEqual(shared);
  expect(Object.keys(shared).sort()).toEqual([
    'STREAM_CACHE_NAMESPACE',
    'STREAM_CACHE_TABLES',
    'STREAM_CACHE_URL',
  ]);
  expect(permissionsOf(template, 'ReaderServiceRole')).toEqual([
    'elasticache:Connect on <CacheServerless.ARN>',
    'elasticache:Connect on <CacheUser.Arn>',
  ]);
  template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
    SourceSecurityGroupId: { 'Fn::GetAtt': reader.VpcConfig.SecurityGroupIds[0]['Fn::GetAtt'] },
    FromPort: 6379,
    ToPort: 6380,
  });
});

test('a reader in no VPC is refused, and the error says what it lacks', () => {
  expect(() => streamCache({}, (cache, world) => cache.connectReader(readerFunction(world, false)))).toThrow(
    'StreamCache Shop/Cache: cannot connect the reader Shop/Reader: it is in no VPC, and the cache is in one only. Give the function the vpc of the cache.',
  );
});

test('what is not a Lambda function is given the permission alone', () => {
  const { template } = streamCache({}, (cache, { stack }) => {
    cache.grantConnect(
      new Role(stack, 'Task', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') }),
    );
  });
  expect(permissionsOf(template, 'Task')).toHaveLength(2);
});
