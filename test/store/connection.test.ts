import { describe, expect, test } from 'vitest';
import { ownConnection } from '../../src/store/redis/connection.js';
import { parseRedisUrl } from '../../src/store/redis/url.js';

describe('a Redis URL', () => {
  test.each<[url: string, cluster: boolean, options: object]>([
    ['redis://localhost', false, { host: 'localhost', port: 6379, db: 0 }],
    ['redis://10.0.0.1:7000/3', false, { host: '10.0.0.1', port: 7000, db: 3 }],
    ['redis://[::1]:7000', false, { host: '::1', port: 7000, db: 0 }],
    ['rediss://cache.example:6380', false, { host: 'cache.example', port: 6380, db: 0, tls: {} }],
    ['rediss://cache.example?cluster', true, { host: 'cache.example', port: 6379, db: 0, tls: {} }],
    ['valkey://cache.example/3', false, { host: 'cache.example', port: 6379, db: 3 }],
    ['valkeys://cache.example?cluster', true, { host: 'cache.example', port: 6379, db: 0, tls: {} }],
    ['redis://cache.example/0?cluster=true', true, { host: 'cache.example', port: 6379, db: 0 }],
    ['redis://ada:p%40ss@h', false, { host: 'h', port: 6379, db: 0, username: 'ada', password: 'p@ss' }],
    ['redis://:secret@h', false, { host: 'h', port: 6379, db: 0, password: 'secret' }],
  ])('%s', (url, cluster, options) => {
    expect(parseRedisUrl(url)).toEqual({ cluster, options });
  });

  test.each<[url: string, message: RegExp]>([
    ['secret@localhost:6379', /not a URL/],
    ['https://user:secret@cache.example', /unknown scheme https:\/\//],
    ['redis:///0', /no host/],
    ['redis://:secret@h?clusters', /unknown parameter; in a user or password \? is %3F/],
    ['redis://:secret@h?cluster=no', /cluster takes no value/],
    ['redis://:secret@h/db', /database must be a number/],
    ['redis://:secret@h/1?cluster', /only database 0/],
    ['redis://app:12?secret@host', /\? is %3F/],
    ['redis://app:12/secret@host', /\/ is %2F/],
    ['redis://app:123#secret@host', /# is %23/],
    ['redis://app:12\n3secret@host', /no # or line break/],
    ['redis://app:secret%@host', /% is %25/],
    ['redis://secret%@host', /% is %25/],
    ['%', /not a URL/],
    ['redis://app%3Asecret%40host', /host or its port cannot be/],
    ['redis://:secret@host:0', /host or its port cannot be/],
  ])('that is wrong is refused without repeating what it may hold: %s', (url, message) => {
    const refusal = () => parseRedisUrl(url);
    expect(refusal).toThrow(message);
    expect(refusal).toThrow(/^(?!.*secret)/s);
    expect(refusal).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('a connection of our own', () => {
  test('is opened at its first use and kept', () => {
    const connection = ownConnection('redis://127.0.0.1:1');
    expect(connection.client().status).toBe('wait');
    expect(connection.client()).toBe(connection.client());
  });

  test('is another one after it was given up', async () => {
    const connection = ownConnection('redis://127.0.0.1:1?cluster');
    const first = connection.client();
    connection.abandon(first);
    expect(connection.client()).not.toBe(first);
    await connection.close();
  });

  test('verifies certificates and never waits long', () => {
    const { options } = ownConnection('rediss://cache.example').client();
    expect(options).toMatchObject({ tls: {}, lazyConnect: true, maxRetriesPerRequest: 2 });
    expect(options).not.toHaveProperty('tls.rejectUnauthorized');
  });
});
