import { processWide } from '../process-wide.js';
import type { HttpRequest } from './passage.js';

/** Where requests go: to which Region of AWS, or to which server, and for which account. */
export interface Place {
  readonly where: string;
  readonly region: string | undefined;
  /** Where the client knows it. */
  readonly account: string | undefined;
}

/** What an SDK knows of who sends a request, and where it is meant for. */
interface Context {
  readonly __smithy_context?: {
    readonly selectedHttpAuthScheme?: {
      readonly httpAuthOption?: { readonly signingProperties?: { readonly region?: unknown } };
      readonly identity?: { readonly accountId?: unknown };
    };
  };
}

const OF_AWS = /\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws)$/;

/** Where a request goes. Within AWS that is a Region, whichever of its endpoints is used. */
export function placeOf({ protocol, hostname = '', port, path }: HttpRequest, context: Context): Place {
  const { httpAuthOption, identity } = context.__smithy_context?.selectedHttpAuthScheme ?? {};
  const region = textOf(httpAuthOption?.signingProperties?.region);
  const account = textOf(identity?.accountId) ?? /^(\d{12})\.ddb\./.exec(hostname)?.[1];
  if (OF_AWS.test(hostname)) return { where: region ?? hostname, region, account };
  const server = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path ?? ''}`;
  return { where: region === undefined ? server : `${server} (${region})`, region, account };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Whether two places may be one: an account that is not known may be any. */
export function areOne(one: Place, other: Place): boolean {
  return (
    one.where === other.where &&
    (one.account === undefined || other.account === undefined || one.account === other.account)
  );
}

/** Where the tables of one cache and namespace are, as far as this process has seen. */
export interface Home {
  /** Where its first request went. */
  place: Place | undefined;
  /** How each table is named: by its bare name, or by which ARN. */
  readonly addresses: Map<string, string>;
}

interface Homes {
  readonly urls: Map<string, object>;
  readonly of: WeakMap<object, Map<string | undefined, Home>>;
}

/** The home of a cache and namespace: the same for all middlewares of the process. */
export function homeOf(cache: string | object, namespace: string | undefined): Home {
  const homes = processWide<Homes>('homes', () => ({ urls: new Map(), of: new WeakMap() }));
  const key = typeof cache === 'string' ? getOrAdd(homes.urls, cache, () => ({})) : cache;
  const ofCache = homes.of.get(key) ?? new Map<string | undefined, Home>();
  homes.of.set(key, ofCache);
  return getOrAdd(ofCache, namespace, () => ({ place: undefined, addresses: new Map() }));
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** A table by its name, and how it is named: an ARN of the home itself counts as the bare name. */
export interface Address {
  readonly name: string;
  readonly address: string;
}

/** A table's ARN in the one form that DynamoDB takes. */
const ARN = /^arn:aws[\w-]*:dynamodb:([a-z0-9-]+):(\d{12}):table\/([\w.-]{3,255})$/;

/** What a request names; `undefined` for an ARN that DynamoDB has to refuse. */
export function addressOf({ place }: Home, nameOrArn: string): Address | undefined {
  if (!nameOrArn.startsWith('arn:')) return { name: nameOrArn, address: nameOrArn };
  const [, region, account, name] = ARN.exec(nameOrArn) ?? [];
  if (name === undefined) return undefined;
  const isOfHome = place?.region === region && place?.account === account;
  return { name, address: isOfHome ? name : nameOrArn };
}
