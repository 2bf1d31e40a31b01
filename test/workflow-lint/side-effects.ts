import { calledWorkflow, type Library, parseUse } from './library.ts';
import type { Job, Workflow } from './read-workflow.ts';

/** The actions that change something outside of the runner; `validate-plugin` and `bundle-package` do not. */
const WRITERS = [
  'build-distribution',
  'handle-command',
  'promote-package',
  'register-package',
  'rollout',
  'sync-images',
  'update-registry',
  'upload-oss',
];

/** Modes of theirs that only look, or give a verdict that the next one replaces. */
const LOOKING_MODES: readonly unknown[] = ['doctor', 'gate', 'verify'];

/** Returns whether a job changes something that a dropped or cancelled run would leave undone. */
export function hasSideEffects(job: Job, workflow: Workflow, library: Library): boolean {
  const callee = calledWorkflow(job, workflow, library);
  if (callee !== undefined) return callee.jobs.some((inner) => hasSideEffects(inner, callee, library));
  const writes = Object.entries(job.permissions ?? {}).filter(([, level]) => level === 'write');
  if (writes.some(([scope]) => scope !== 'checks')) return true;
  return job.steps.some(({ uses = '', with: given }) => {
    const use = parseUse(uses, workflow);
    return use.kind === 'action' && WRITERS.includes(use.name) && !LOOKING_MODES.includes(given['mode']);
  });
}
