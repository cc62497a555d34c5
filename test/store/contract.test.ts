import { inject } from 'vitest';
import { memoryStore } from '../../src/store/memory.js';
import { openStore } from '../../src/store/open.js';
import { testStore } from '../contract/store-contract.js';

testStore('memory', () => memoryStore());
testStore('Redis', () => openStore(inject('redisUrl'), 4_000));
testStore('Redis Cluster', () => openStore(inject('redisClusterUrl'), 4_000));
