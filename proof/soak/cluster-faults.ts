import calculateSlot from 'cluster-key-slot';
import type { RedisServer } from '../../test/support/redis.js';
import type { Random } from '../random.js';
import { ask, type ClusterNode, clusterNodes, freeze, isWhole, until } from './cache-servers.js';
import type { Fault } from './fault.js';
import { cacheKeyOf, orderNames } from './orders.js';

/** How many slots that hold items are moved while they are written. */
const MOVED_SLOTS = 20;

export function clusterFaults(servers: readonly RedisServer[], random: Random): Fault[] {
  const first = () => (servers[0] as RedisServer).port;
  const serverOf = ({ port }: ClusterNode) => servers.find((server) => server.port === port) as RedisServer;
  const whole = () => until('the cluster is whole', () => isWhole(servers));
  /** A master with slots, and its replica. */
  async function pair(): Promise<[master: ClusterNode, replica: ClusterNode]> {
    const nodes = await clusterNodes(first());
    const master = random.pick(nodes.filter(({ isMaster, ranges }) => isMaster && ranges.length > 0));
    const replica = nodes.find(({ masterId }) => masterId === master.id);
    if (replica === undefined) throw new Error('A master has no replica.');
    return [master, replica];
  }
  const takenOver = (replica: ClusterNode) =>
    until('the replica has taken over', async () =>
      String(await ask(replica.port, 'INFO', 'replication')).includes('role:master'),
    );

  return [
    {
      name: 'a replica takes over (CLUSTER FAILOVER)',
      isFailover: true,
      async inject() {
        const [, replica] = await pair();
        await ask(replica.port, 'CLUSTER', 'FAILOVER');
        await takenOver(replica);
        await whole();
      },
    },
    {
      name: 'a master is killed, its replica takes over',
      isFailover: true,
      async inject() {
        const [master, replica] = await pair();
        await serverOf(master).kill();
        await takenOver(replica);
        await serverOf(master).restart();
        await whole();
      },
    },
    {
      name: 'a master is frozen for 8 s, its replica takes over',
      isFailover: true,
      async inject() {
        const [master] = await pair();
        await freeze(serverOf(master));
        await whole();
      },
    },
    {
      name: 'a master is killed and started again at once',
      async inject() {
        const [master] = await pair();
        await serverOf(master).restart();
        await whole();
      },
    },
    {
      name: 'a replica is killed and started again',
      async inject() {
        const [, replica] = await pair();
        await serverOf(replica).restart();
        await whole();
      },
    },
    {
      name: `${MOVED_SLOTS} slots are moved`,
      async inject() {
        const nodes = await clusterNodes(first());
        await moveSlots(nodes, random);
        await whole();
      },
    },
  ];
}

/** What `redis-cli --cluster reshard` does, for slots whose items are being written. */
async function moveSlots(nodes: readonly ClusterNode[], random: Random): Promise<void> {
  const masters = nodes.filter(({ isMaster }) => isMaster);
  const [source, target] = random.some(masters, 2) as [ClusterNode, ClusterNode];
  const used = new Set(orderNames(40, 10, 'c').map((name) => calculateSlot(cacheKeyOf(name))));
  const owned = [...used].filter((slot) => source.ranges.some(([from, to]) => slot >= from && slot <= to));
  for (const slot of random.some(owned, MOVED_SLOTS)) {
    await ask(target.port, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', source.id);
    await ask(source.port, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', target.id);
    for (;;) {
      const keys = (await ask(source.port, 'CLUSTER', 'GETKEYSINSLOT', slot, 10)) as string[];
      if (keys.length === 0) break;
      await ask(source.port, 'MIGRATE', '127.0.0.1', target.port, '', 0, 5_000, 'KEYS', ...keys);
    }
    // The target first, so that somebody owns the slot at any time.
    for (const { port } of [
      target,
      source,
      ...masters.filter((node) => node !== source && node !== target),
    ]) {
      await ask(port, 'CLUSTER', 'SETSLOT', slot, 'NODE', target.id);
    }
  }
}
