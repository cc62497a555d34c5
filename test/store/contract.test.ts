import { inject } from 'vitest';
import { openStore } from '../../src/store/open.js';
import { testStore } from '../contract/store-contract.js';

testStore('Redis', () => openStore(inject('redisUrl'), 4_000));
testStore('Redis Cluster', () => openStore(inject('redisClusterUrl'), 4_000));
