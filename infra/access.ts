import { Names, Token } from 'aws-cdk-lib';
import { Connections, type IConnectable, type IVpc, type Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { CfnUser, CfnUserGroup } from 'aws-cdk-lib/aws-elasticache';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** What the handler and readers do in the cache, and nothing else: no `FLUSHALL`, `KEYS` or `CONFIG`. */
export const ACCESS_STRING = [
  'on',
  '~*',
  '-@all',
  ...['get', 'mget', 'set', 'del', 'unlink', 'exists', 'pexpire', 'time', 'eval', 'evalsha'],
  // What clients ask when they connect.
  ...['ping', 'info', 'hello', 'auth', 'select', 'readonly', 'quit', 'cluster|slots', 'cluster|info'],
]
  .map((word) => (/^[a-z]{3,}/.test(word) ? `+${word}` : word))
  .join(' ');

/** What ElastiCache takes as the name of a cache, of a user and of a group: of up to 40 characters, see below. */
export const NAME = '[a-z][a-z0-9]*(-[a-z0-9]+)*';
export const MAX_NAME_LENGTH = 40;

/** A user that authenticates with IAM, whose name has to be its id, and the group that a cache is given. */
export function iamUser(scope: Construct, name: string): { user: CfnUser; group: CfnUserGroup } {
  if (!Token.isUnresolved(name) && !(name.length <= MAX_NAME_LENGTH && new RegExp(`^${NAME}$`).test(name))) {
    throw new Error(
      `StreamCache ${scope.node.path}: cannot name a cache ${name}: ElastiCache takes 1 to ${MAX_NAME_LENGTH} lower-case letters, digits and single hyphens that begin with a letter. Give another name.`,
    );
  }
  const user = new CfnUser(scope, 'User', {
    engine: 'valkey',
    userId: name,
    userName: name,
    accessString: ACCESS_STRING,
    authenticationMode: { Type: 'iam' },
  });
  const group = new CfnUserGroup(scope, 'UserGroup', {
    engine: 'valkey',
    userGroupId: name,
    userIds: [user.ref],
  });
  return { user, group };
}

/** A name that ElastiCache takes, and that stays as long as the construct does. */
export function resourceName(scope: Construct): string {
  const name = Names.uniqueResourceName(scope, { maxLength: 35, separator: '-' }).toLowerCase();
  return /^[a-z]/.test(name) ? name : `c${name}`;
}

/** Connecting takes the permission on the cache and on the user. */
export function connectGrant(cacheArn: string, userArn: string): (grantee: IGrantable) => Grant {
  return (grantee) =>
    Grant.addToPrincipal({
      grantee,
      actions: ['elasticache:Connect'],
      resourceArns: [cacheArn, userArn],
    });
}

/** The cache's own security group, which nobody is in but whom it admits. */
export function newSecurityGroup(scope: Construct, vpc: IVpc, port: Port) {
  const group = new SecurityGroup(scope, 'SecurityGroup', {
    vpc,
    description: `The cache of ${scope.node.path}`,
    allowAllOutbound: false,
  });
  const connections = new Connections({ securityGroups: [group], defaultPort: port });
  return {
    group,
    connections,
    admit: (peer: IConnectable) => connections.allowDefaultPortFrom(peer, 'To the cache'),
  };
}
