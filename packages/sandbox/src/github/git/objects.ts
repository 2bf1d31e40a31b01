import { createHash } from 'node:crypto';

/** Who made a commit, and when. */
export interface Signature {
  readonly name: string;
  readonly email: string;
  /** Seconds since 1970. */
  readonly seconds: number;
  /** `+0800`. */
  readonly zone: string;
}

export interface Commit {
  readonly oid: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
  readonly gpgSignature: string | null;
}

export const treeModes = ['100644', '100755', '120000', '040000', '160000'] as const;
export type TreeMode = (typeof treeModes)[number];

export interface TreeEntry {
  readonly name: string;
  readonly mode: TreeMode;
  readonly oid: string;
}

export const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

export const isOid = (text: string): boolean => /^[0-9a-f]{40}$/.test(text);

export function entryType(mode: TreeMode): 'blob' | 'tree' | 'commit' {
  return mode === '040000' ? 'tree' : mode === '160000' ? 'commit' : 'blob';
}

/** Reads a commit object. @see https://git-scm.com/book/en/v2/Git-Internals-Git-Objects */
export function parseCommit(oid: string, content: Buffer): Commit {
  const text = content.toString();
  const end = text.indexOf('\n\n');
  const fields = new Map<string, string[]>();
  // A header goes on where the next line starts with a space: signatures do.
  for (const line of text.slice(0, end).replaceAll('\n ', '\0').split('\n')) {
    const space = line.indexOf(' ');
    const key = line.slice(0, space);
    fields.set(key, [...(fields.get(key) ?? []), line.slice(space + 1).replaceAll('\0', '\n')]);
  }
  const first = (key: string): string => fields.get(key)?.[0] ?? '';
  return {
    oid,
    tree: first('tree'),
    parents: fields.get('parent') ?? [],
    author: parseSignature(first('author')),
    committer: parseSignature(first('committer')),
    message: text.slice(end + 2),
    gpgSignature: fields.get('gpgsig')?.[0] ?? null,
  };
}

function parseSignature(line: string): Signature {
  const [, name = '', email = '', seconds = '0', zone = '+0000'] =
    /^(.*?) ?<(.*?)> (\d+) ([-+]\d{4})$/.exec(line) ?? [];
  return { name, email, seconds: Number(seconds), zone };
}

/** Writes a commit object, byte for byte what was asked for: no newline is added to the message. */
export function formatCommit(commit: Omit<Commit, 'oid'>): Buffer {
  const signature = ({ name, email, seconds, zone }: Signature): string => `${name} <${email}> ${seconds} ${zone}`;
  const lines = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${signature(commit.author)}`,
    `committer ${signature(commit.committer)}`,
    ...(commit.gpgSignature === null ? [] : [`gpgsig ${commit.gpgSignature.trimEnd().replaceAll('\n', '\n ')}`]),
  ];
  return Buffer.from(`${lines.join('\n')}\n\n${commit.message}`);
}

export function parseTree(content: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(32, at);
    const end = content.indexOf(0, space);
    const oid = content.toString('hex', end + 1, end + 21);
    entries.push({
      mode: parseMode(content.toString('latin1', at, space)),
      name: content.toString('utf8', space + 1, end),
      oid,
    });
    at = end + 21;
  }
  return entries;
}

/** Old repositories hold other bits of permission (100664); git itself treats them as these. */
function parseMode(text: string): TreeMode {
  const padded = text.padStart(6, '0');
  const known = treeModes.find((mode) => mode === padded);
  return known ?? ((Number.parseInt(padded, 8) & 0o100) === 0 ? '100644' : '100755');
}

/** Writes a tree object; git orders a directory as if its name ended in a slash. */
function formatTree(entries: readonly TreeEntry[]): Buffer {
  const key = ({ name, mode }: TreeEntry): Buffer => Buffer.from(mode === '040000' ? `${name}/` : name);
  const sorted = [...entries].sort((a, b) => Buffer.compare(key(a), key(b)));
  return Buffer.concat(
    sorted.flatMap(({ mode, name, oid }) => [
      Buffer.from(`${mode.replace(/^0/, '')} ${name}\0`),
      Buffer.from(oid, 'hex'),
    ]),
  );
}

/** The id that git gives to a tree of these entries. */
export function treeOid(entries: readonly TreeEntry[]): string {
  const content = formatTree(entries);
  return createHash('sha1').update(`tree ${content.length}\0`).update(content).digest('hex');
}

/** A signature's time as GitHub writes it: UTC, whole seconds. */
export const signatureDate = ({ seconds }: Signature): string => isoSeconds(new Date(seconds * 1000));

export const isoSeconds = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z');

/** Reads an ISO 8601 date with its time zone; undefined where it is none. */
export function parseDate(text: string): Pick<Signature, 'seconds' | 'zone'> | undefined {
  const milliseconds = Date.parse(text);
  const match = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|([-+]\d\d):?(\d\d))$/.exec(text);
  if (match === null || Number.isNaN(milliseconds)) return undefined;
  const [, hours = '+00', minutes = '00'] = match;
  return { seconds: Math.floor(milliseconds / 1000), zone: `${hours}${minutes}` };
}
