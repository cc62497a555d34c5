import type { Answered } from './lanes.js';
import type { Call, Work } from './wire.js';

/** One script call for items of many slots of one cluster node; see cross-slot-keys.lua. */

/** Whether such calls can be made of what is to be sent. */
export function hasCrossSlotForm({ command }: Work): boolean {
  return typeof command !== 'string' && command.crossSlot !== undefined;
}

/** A call with the keys of its items as arguments. */
export function crossSlotForm({ command, positions, keys, args }: Call): Call {
  if (typeof command === 'string' || command.crossSlot === undefined) throw new TypeError('one slot a call');
  return {
    command: command.crossSlot,
    positions,
    keys: keys.slice(0, 1),
    args: [...args, ...keys, String(keys.length)],
  };
}

/** What a node took of a call, and the positions of what is left to be sent one slot a call. */
export function takenOf(call: Call, reply: unknown): { taken: Answered; left: readonly number[] } {
  const { positions } = call;
  if (!Array.isArray(reply)) return { taken: [{ ...call, positions: [] }, []], left: positions };
  if (!reply.some(isNotHere)) return { taken: [call, reply], left: [] };
  return {
    taken: [
      { ...call, positions: positions.filter((_, index) => !isNotHere(reply[index])) },
      reply.filter((answer) => !isNotHere(answer)),
    ],
    left: positions.filter((_, index) => isNotHere(reply[index])),
  };
}

/** Whether an error tells how its server is: one slot a call would meet the same. */
export function isOfServer({ message }: Error): boolean {
  return /^(?:BUSY|CLUSTERDOWN|LOADING|MASTERDOWN|MISCONF|NOREPLICAS|READONLY) /.test(message);
}

/**
 * Whether a reply tells that its server does not take such calls at all: an error without a code of its own is about the script,
 * while a slot on the move, a full server or a user's rights have one. A server can also take it and allow one slot all the same.
 */
export function refusesCrossSlot(reply: unknown): boolean {
  if (reply instanceof Error) return reply.name === 'ReplyError' && /^(?:ERR|CROSSSLOT) /.test(reply.message);
  return (
    Array.isArray(reply) && reply.some((answer) => isNotHere(answer) && /same slot/.test(answer.message))
  );
}

function isNotHere(answer: unknown): answer is Error {
  return answer instanceof Error && answer.message.startsWith('NOTHERE ');
}
