import { inject } from 'vitest';
import { mapDriver } from '../../src/operate/map-driver.js';
import { casStore } from '../../src/store/cas/store.js';
import { openStore } from '../../src/store/open.js';
import { testStore } from '../contract/store-contract.js';

testStore('Redis', () => openStore(inject('redisUrl'), 4_000));
testStore('Redis Cluster', () => openStore(inject('redisClusterUrl'), 4_000));
testStore('a cache that can compare and set', () => casStore(mapDriver(), { clocksApartMs: 0 }));
