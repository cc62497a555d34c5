import type { Settings } from '../config.js';
import type { LeftAloneReport } from '../report.js';
import type { Request } from './call.js';
import { type Flights, newFlights } from './flights.js';
import { addressOf, areOne, type Home, homeOf, type Place } from './places.js';
import type { Reader } from './reader.js';

/** What is known of one client, that is of the stack that the middleware was given. */
export interface Client {
  /** Whether its requests have been seen to go where the cache's tables are. */
  readonly isHome: boolean;
  /** Whether its reads are DynamoDB's alone. */
  readonly isLeftAlone: boolean;
  /** Its reads that are under way. Others have time limits of their own, and do not wait for them. */
  readonly flights: Flights;
  /** Leaves its reads alone from now on, and says once why. */
  leaveAlone(reason: LeftAloneReport['reason'], message: string): void;
  /** Takes note of where a request goes. Returns whether that is where the cache's tables are. */
  arrives(place: Place): boolean;
  /**
   * Whether a read names its tables as the cache knows them. `unproven`: not before DynamoDB has answered one that names
   * them so, which {@link prove} tells.
   */
  knows(request: Request): 'yes' | 'no' | 'unproven';
  prove(request: Request): void;
}

/** Beyond so many tables no further is served by its ARN, and so many messages are enough. */
const MOST_ADDRESSES = 10_000;
const MOST_MESSAGES = 1_000;

/**
 * Says once per cause why calls are left to DynamoDB, for all clients of a middleware: there may be one for each request.
 *
 * @param remedy what is the matter, and what to do
 */
export type Say = (reason: LeftAloneReport['reason'], remedy: string, tableName?: string) => void;

export function newSay({ logger, report }: Settings): Say {
  const said = new Set<string>();
  return (reason, remedy, tableName) => {
    if (said.has(remedy) || said.size >= MOST_MESSAGES) return;
    said.add(remedy);
    report({ type: 'left-alone', reason, tableName });
    const message =
      reason === 'old-sdk' ? 'The caching middleware does nothing' : 'Reads go straight to DynamoDB';
    logger.error(message, tableName === undefined ? { remedy } : { remedy, tableName });
  };
}

export function newClient(settings: Settings, reader: Reader, say: Say): Client {
  const home: Home = homeOf(settings.cache, settings.namespace);
  const proven = new Set<string>();
  let isLeftAlone = false;
  let isHome = false;

  /** How a table that may be cached is named, and how it was named first. */
  function namings(request: Request) {
    const given =
      request.RequestItems === undefined ? [request.TableName] : Object.keys(request.RequestItems as object);
    return given
      .filter((nameOrArn) => reader.table(nameOrArn) !== undefined)
      .map((nameOrArn) => {
        const naming = addressOf(home, nameOrArn as string);
        return naming && { ...naming, first: home.addresses.get(naming.name) };
      });
  }

  function leaveAlone(reason: LeftAloneReport['reason'], message: string): void {
    isLeftAlone = true;
    say(reason, message);
  }

  function bind(name: string, address: string): void {
    if (home.addresses.size < MOST_ADDRESSES) home.addresses.set(name, address);
  }

  return {
    get isHome() {
      return isHome;
    },
    get isLeftAlone() {
      return isLeftAlone;
    },
    flights: newFlights(),
    leaveAlone,
    arrives(place) {
      home.place ??= place;
      isHome = areOne(home.place, place);
      if (!isHome) {
        leaveAlone(
          'other-place',
          `A client sends requests to ${nameOf(place)}, but the cache holds the tables of ${nameOf(home.place)}. Give it a middleware with a namespace of its own.`,
        );
      } else if (home.place.account === undefined) home.place = place;
      return isHome;
    },
    knows(request) {
      let isProven = true;
      for (const naming of namings(request)) {
        if (naming === undefined) return 'no';
        const { name, address, first } = naming;
        if (first !== undefined && first !== address) {
          say(
            'other-address',
            `The table is named ${address}, and was named ${first} before: the cache holds one table of a name. Name it in one way, or give the other a client and a middleware with a namespace of its own.`,
            name,
          );
          return 'no';
        }
        if (address === name) {
          if (first === undefined) bind(name, address);
        } else if (!proven.has(address)) isProven = false;
      }
      return isProven ? 'yes' : 'unproven';
    },
    prove(request) {
      for (const naming of namings(request)) {
        if (naming === undefined || naming.address === naming.name) continue;
        if (naming.first === undefined) bind(naming.name, naming.address);
        if (home.addresses.get(naming.name) === naming.address) proven.add(naming.address);
      }
    },
  };
}

function nameOf({ where, account }: Place): string {
  return account === undefined ? where : `${where}, account ${account}`;
}
