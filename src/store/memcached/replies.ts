/** A reply: its last line, and what came before it. */
export interface Reply {
  /** `STORED`, `END`, `SERVER_ERROR …` and the like. */
  readonly line: string;
  readonly values: readonly Value[];
  /** The connection that it came from. */
  readonly from: object;
}

export interface Value {
  readonly name: string;
  readonly text: string;
  /** The number that a `cas` has to present; absent after a plain `get`. */
  readonly unique: string | undefined;
}

/**
 * Cuts what a server sends into replies, whatever pieces it comes in. Text protocol:
 * https://github.com/memcached/memcached/blob/master/doc/protocol.txt
 */
export function newReplyParser(from: object) {
  let rest: Buffer = Buffer.alloc(0);
  let values: Value[] = [];

  /** Takes a reply off the front of what is there, or returns `undefined` when it has not come in full. */
  function next(): Reply | undefined {
    while (true) {
      const end = rest.indexOf('\r\n');
      if (end < 0) return undefined;
      const line = rest.toString('utf8', 0, end);
      const [word, name = '', , size, unique] = line.split(' ');
      if ((word !== 'VALUE' && word !== 'CONFIG') || !/^\d+$/.test(size ?? '')) {
        rest = rest.subarray(end + 2);
        const reply = { line, values, from };
        values = [];
        return reply;
      }
      const start = end + 2;
      const stop = start + Number(size);
      if (rest.length < stop + 2) return undefined;
      values.push({ name, text: rest.toString('utf8', start, stop), unique });
      rest = rest.subarray(stop + 2);
    }
  }

  return {
    /** The replies that have come in full with what has just come. */
    take(chunk: Buffer): Reply[] {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const replies: Reply[] = [];
      for (let reply = next(); reply !== undefined; reply = next()) replies.push(reply);
      return replies;
    },
  };
}
