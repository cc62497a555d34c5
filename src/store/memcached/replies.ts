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
  /** The connection that it came from. */
  readonly from: object;
}

/** What comes before the bytes of a value: its name, flags, how many bytes, and the number after a `gets`. */
const VALUE = /^(?:VALUE|CONFIG) (\S*) \S* (\d+)(?: (\S+))?/;

/**
 * Cuts what a server sends into replies, whatever pieces it comes in. Text protocol:
 * https://github.com/memcached/memcached/blob/master/doc/protocol.txt
 */
export function newReplyParser(from: object) {
  let rest: Buffer = Buffer.alloc(0);
  /** Up to where it is read. */
  let read = 0;
  let values: Value[] = [];

  /** Takes a reply off the front of what is there, or returns `undefined` when it has not come in full. */
  function next(): Reply | undefined {
    while (true) {
      const end = rest.indexOf('\r\n', read);
      if (end < 0) return undefined;
      const line = rest.toString('utf8', read, end);
      const value = VALUE.exec(line);
      if (value === null) {
        read = end + 2;
        const reply = { line, values, from };
        values = [];
        return reply;
      }
      const [, name = '', size, unique] = value;
      const start = end + 2;
      const stop = start + Number(size);
      if (rest.length < stop + 2) return undefined;
      values.push({ name, text: rest.toString('utf8', start, stop), unique, from });
      read = stop + 2;
    }
  }

  return {
    /** The replies that have come in full with what has just come. */
    take(chunk: Buffer): Reply[] {
      rest = read === rest.length ? chunk : Buffer.concat([rest.subarray(read), chunk]);
      read = 0;
      const replies: Reply[] = [];
      for (let reply = next(); reply !== undefined; reply = next()) replies.push(reply);
      return replies;
    },
  };
}
