import { toError } from '../../errors.js';

/** What a check came to. */
export interface Finding {
  readonly subject: 'cache' | 'table' | 'mapping' | 'function';
  /** What was looked at, in a few words. */
  readonly check: string;
  /** `unknown`: it could not be looked at, and `found` says why. */
  readonly verdict: 'ok' | 'warning' | 'wrong' | 'unknown';
  readonly found: string;
  /** What to do. */
  readonly remedy?: string | undefined;
}

/** Findings of one subject, in few words. */
export function findings(subject: Finding['subject']) {
  const of =
    (verdict: Finding['verdict']) =>
    (check: string, found: string, remedy?: string): Finding => ({
      ...{ subject, check, verdict, found },
      ...(remedy !== undefined && { remedy }),
    });
  return { ok: of('ok'), warning: of('warning'), wrong: of('wrong'), unknown: of('unknown') };
}

/** Why AWS did not answer, and what helps: the permission where that is missing. */
export function refusal(thrown: unknown, permission: string): [found: string, remedy: string] {
  const { name, message } = toError(thrown);
  const isDenied = /AccessDenied|NotAuthorized|Unauthorized/.test(name);
  return [
    `${name}: ${message}`,
    isDenied ? `Give ${permission}.` : 'Check the credentials, the Region and the network.',
  ];
}
