import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Contest, Contestant } from './contest.ts';
import { measure, words } from './measure.ts';
import type { Place } from './place.ts';

/** Returns the actions in a release tree. */
export function startCases(tree: string): string[] {
  return readdirSync(tree).filter((name) =>
    statSync(join(tree, name, 'dist'), { throwIfNoEntry: false })?.isDirectory(),
  );
}

/**
 * Makes the contest between a bundle and a bare node: what it costs before it does anything, to load and to fail on its
 * missing inputs. Its bytes are those of the bundle.
 */
export function startContest(place: Place, action: string): Contest {
  const bundle = join(place.tree, action, 'dist/index.js');
  const entrant = (name: string, args: readonly string[], bytes: number): Contestant => ({
    name,
    attempt: async () => {
      const script = `${words('env', '-i', `PATH=${process.env['PATH']}`, process.execPath, ...args)} || true`;
      return { ...(await measure({ script, directory: place.directory })), bytes };
    },
  });
  return {
    job: 'start',
    name: action,
    ours: entrant(action, [bundle], statSync(bundle).size),
    peers: [entrant('bare node', ['-e', '0'], 0)],
  };
}
