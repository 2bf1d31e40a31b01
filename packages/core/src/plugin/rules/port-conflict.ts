import { judgeContest } from '../conflict.ts';
import type { FileRule } from '../rule.ts';
import type { Subject } from '../subject.ts';

export const portConflict: FileRule = {
  id: 'port-conflict',
  level: 'error',
  description:
    'A port belongs to one plugin; a conflict between files that the pull request does not touch, or with another open pull request, only warns.',
  judges: 'file',
  *judge(file, subject) {
    const { port } = file.spec;
    if (file.plugin === undefined || port === undefined) return;
    const claims = subject.claims.ofPort(port.value);
    const foreignClaims = subject.foreignClaims.ofPort(port.value);
    if (claims.length + foreignClaims.length === 1) return;
    const free = freePort(port.value, subject);
    yield* judgeContest({
      what: `Port ${port.value}`,
      file,
      pointer: port.pointer,
      claims,
      foreignClaims,
      fix: free === undefined ? 'Take a port that no plugin has.' : `Take a port that no plugin has: port: ${free}`,
    });
  },
};

const LAST_PORT = 65_535;

/** Returns the first port after `port` that nobody claims; none for what is no port itself. */
function freePort(port: number, { claims, foreignClaims }: Subject): number | undefined {
  if (!Number.isInteger(port) || port < 1) return undefined;
  for (let candidate = port + 1; candidate <= LAST_PORT; candidate += 1) {
    if (claims.ofPort(candidate).length + foreignClaims.ofPort(candidate).length === 0) return candidate;
  }
  return undefined;
}
