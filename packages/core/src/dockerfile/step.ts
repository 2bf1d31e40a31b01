import { posix } from 'node:path';
import type { CopyTarget, Healthcheck, Step } from './dockerfile.ts';
import type { Instruction } from './instruction.ts';
import type { Pair } from './pairs.ts';
import { TracedText } from './traced-text.ts';

/** What an instruction's words mean where it stands. */
export interface Scope {
  readonly workdir: string;
  /** ARGs that no ENV of the stage hides. */
  readonly args: ReadonlyMap<string, string>;
  words(text: TracedText): string[];
  expand(text: TracedText): string;
  pairs(text: TracedText): Pair[];
  /** Throws: this is not understood, and `cure` is the way out. */
  refuse(problem: string, cure?: string): never;
}

/** Returns what one instruction of the last stage does. */
export function parseStep(raw: Instruction, scope: Scope): Step {
  const { keyword, line, flags } = raw;
  const { text } = raw.text;
  const [flag] = flags;
  if (flag !== undefined && keyword !== 'COPY' && keyword !== 'HEALTHCHECK') {
    scope.refuse(`${keyword} --${flag.name} is not understood`, 'Leave it out.');
  }
  const step = { line, text: `${keyword} ${text}` };
  switch (keyword) {
    case 'LABEL':
      return { ...step, kind: 'label', values: textsOf(scope.pairs(raw.text)) };
    case 'ENV':
      return { ...step, kind: 'env', values: textsOf(scope.pairs(raw.text)) };
    case 'WORKDIR':
      return { ...step, kind: 'workdir', path: posix.resolve(scope.workdir, scope.expand(raw.text)) };
    case 'USER':
      return { ...step, kind: 'user', user: scope.expand(raw.text) };
    case 'EXPOSE':
      return { ...step, kind: 'expose', ports: scope.words(raw.text).map((word) => parsePort(word, scope)) };
    case 'ENTRYPOINT':
      return { ...step, kind: 'entrypoint', command: parseCommand(text) };
    case 'CMD':
      return { ...step, kind: 'cmd', command: parseCommand(text) };
    case 'HEALTHCHECK':
      return { ...step, kind: 'healthcheck', check: parseHealthcheck(raw, scope) };
    case 'COPY':
      return parseCopy(raw, step, scope);
    case 'RUN':
      if (HEREDOC.test(text)) scope.refuse('RUN with a here-document is not understood', 'Write it in one line.');
      return { ...step, kind: 'run', command: parseCommand(text), args: scope.args };
    default:
      return scope.refuse(`${keyword} is not understood`);
  }
}

function textsOf(pairs: readonly Pair[]): [string, string][] {
  return pairs.map(([name, { text }]) => [name, text]);
}

/** Anywhere among the words, `cat <<EOF` too; https://docs.docker.com/reference/dockerfile/#here-documents. */
const HEREDOC = /(?:^|[\s;|&(])\d*<<-?["']?\w/;

function parsePort(word: string, scope: Scope): string {
  const [, port = '', protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(word) ?? [];
  if (port === '') scope.refuse(`EXPOSE: '${word}' is no port`, 'Write each port by itself: EXPOSE 8080 9090/udp');
  return `${port}/${protocol}`;
}

/** The exec form is JSON; everything else is the shell's. */
function parseCommand(text: string): string[] {
  return parseList(text) ?? ['/bin/sh', '-c', text];
}

function parseList(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

const HEALTHCHECK_TIMES = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
} as const;

function parseHealthcheck({ text: { text }, flags }: Instruction, scope: Scope): Healthcheck {
  const settings: { -readonly [Key in Exclude<keyof Healthcheck, 'Test'>]?: number } = {};
  for (const { name, value } of flags) {
    const time = Object.entries(HEALTHCHECK_TIMES).find(([flag]) => flag === name)?.[1];
    if (time !== undefined) settings[time] = parseTime(value, scope);
    else if (name === 'retries' && /^\d+$/.test(value)) settings.Retries = Number(value);
    else scope.refuse(`HEALTHCHECK --${name}=${value} is not understood`, 'Correct it, or leave it out.');
  }
  const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
  if (word.toUpperCase() === 'NONE' && rest === '') return { Test: ['NONE'] };
  if (word.toUpperCase() !== 'CMD' || rest === '') {
    scope.refuse(`'HEALTHCHECK ${text}' is neither NONE nor CMD with a command`, 'Correct it.');
  }
  const list = parseList(rest);
  return { Test: list === undefined ? ['CMD-SHELL', rest] : ['CMD', ...list], ...settings };
}

const NANOSECONDS: Readonly<Record<string, number>> = { h: 3.6e12, m: 6e10, s: 1e9, ms: 1e6, us: 1e3, ns: 1 };

/** Go's durations, `1m30s`; https://pkg.go.dev/time#ParseDuration. */
function parseTime(text: string, scope: Scope): number {
  if (!/^(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|ns))+$/.test(text)) {
    scope.refuse(`HEALTHCHECK: '${text}' is no duration`, 'Write it as 30s or 1m30s.');
  }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|ns)/g)];
  return Math.round(parts.reduce((sum, [, number, unit]) => sum + Number(number) * (NANOSECONDS[unit ?? ''] ?? 0), 0));
}

/** The names that distributions can have. */
const PACKAGES_PATH = /^\/packages\/([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)$/;

function parseCopy(raw: Instruction, step: { line: number; text: string }, scope: Scope): Step {
  const { flags } = raw;
  const { text } = raw.text;
  // --link asks for layers that do not depend on those below, which ours never do.
  const foreign = flags.find(({ name }) => name !== 'from' && name !== 'link');
  if (foreign !== undefined) {
    scope.refuse(
      `COPY --${foreign.name} is not understood`,
      'Leave it out: files belong to root, with the modes that git keeps.',
    );
  }
  if (HEREDOC.test(text)) scope.refuse('COPY with a here-document is not understood', 'Commit the file.');
  const words = parseList(text)?.map((word) => scope.expand(TracedText.elsewhere(word))) ?? scope.words(raw.text);
  const target = words.at(-1);
  const sources = words.slice(0, -1);
  if (target === undefined || sources.length === 0) {
    return scope.refuse(`'${step.text}' needs a source and a target`, 'Correct it.');
  }
  const pattern = sources.find((source) => /[*?[\]]/.test(source));
  if (pattern !== undefined) scope.refuse(`COPY: '${pattern}' is a pattern`, 'Name the files, or their directory.');
  const stage = flags.find(({ name }) => name === 'from')?.value;
  if (stage !== undefined)
    return parseUpstreamCopy({ stage: scope.expand(TracedText.elsewhere(stage)), sources, target }, step, scope);
  return parseContextCopy(sources, resolveTarget(target, sources.length, scope), step, scope);
}

function parseContextCopy(
  given: readonly string[],
  target: CopyTarget,
  step: { line: number; text: string },
  scope: Scope,
): Step {
  // The root of the context is a root: what leads out of it leads back to it.
  const sources = given.map((source) => posix.join('/', source).slice(1).replace(/\/+$/, ''));
  if (!sources.includes('packages')) {
    const inside = sources.find((source) => source === '' || source.startsWith('packages/'));
    if (inside !== undefined) {
      scope.refuse(
        `COPY ${inside === '' ? '.' : inside} copies a part of the packages, or more than them`,
        'Copy packages as a whole, and other files by their names: COPY packages /packages/<distribution>',
      );
    }
    return { ...step, kind: 'copy', sources, target };
  }
  const distribution = PACKAGES_PATH.exec(target.path)?.[1];
  if (distribution !== undefined && sources.length === 1) return { ...step, kind: 'packages', distribution };
  return scope.refuse(
    `the packages are copied to ${target.path}`,
    'Downstream distributions look for them in one place: COPY packages /packages/<distribution>',
  );
}

function parseUpstreamCopy(
  copy: { readonly stage: string; readonly sources: readonly string[]; readonly target: string },
  step: { line: number; text: string },
  scope: Scope,
): Step {
  const target = posix.resolve(scope.workdir, copy.target);
  const source = posix.resolve('/', copy.sources[0] ?? '');
  const distribution = PACKAGES_PATH.exec(source)?.[1];
  if (copy.sources.length > 1 || distribution === undefined || target !== source) {
    scope.refuse(
      `COPY --from=${copy.stage} copies something else than one distribution's packages to their own place`,
      'Write COPY --from=<stage> /packages/<distribution> /packages/<distribution>; for other files, make a base image of your own.',
    );
  }
  return { ...step, kind: 'upstream', stage: copy.stage.toLowerCase(), distribution };
}

function resolveTarget(target: string, sources: number, { workdir }: Scope): CopyTarget {
  const path = posix.resolve(workdir, target);
  const isDirectory = sources > 1 || /(?:^|\/)\.{0,2}$/.test(target) || path === '/';
  return { path, isDirectory };
}
