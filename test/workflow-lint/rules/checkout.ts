import { referencesOf } from '../expression.ts';
import { eventsReaching, parseUse } from '../library.ts';
import { expressionsIn, secretsIn } from '../read-workflow.ts';
import { at, type Rule } from '../rule.ts';

/** Events that strangers cause, and whose jobs have the repository's secrets. */
const PRIVILEGED = ['pull_request_target', 'issue_comment', 'workflow_run'];

/** What a pull request brings never stands beside a secret, and a token never stands in the workspace. */
export const checkout: Rule = (workflow, library) => {
  const events = eventsReaching(workflow, library);
  const privileged = PRIVILEGED.filter((event) => events.has(event));
  return workflow.jobs.flatMap((job) =>
    job.steps.flatMap(({ uses = '', pointer, with: given }) => {
      const use = parseUse(uses, workflow);
      if (use.kind !== 'foreign' || use.name !== 'actions/checkout') return [];
      const problem = (message: string) => at(workflow, `${pointer}/uses`, message);
      const found = [];
      if (String(given['persist-credentials']) !== 'false') {
        found.push(problem('without `persist-credentials: false` the token stays in the workspace'));
      }
      if ('allow-unsafe-pr-checkout' in given) found.push(problem('`allow-unsafe-pr-checkout` is never needed'));
      if (privileged.length > 0) found.push(problem(`no checkout in what ${privileged.join(', ')} starts: read data`));
      const isAlone = [...events].every((event) => event === 'pull_request');
      const hasSecrets = secretsIn(workflow, job.pointer).length > 0 || secretsIn(workflow, '/env').length > 0;
      const takesHead = expressionsIn(workflow, `${pointer}/with`).some((expression) =>
        referencesOf(expression).some((reference) => isHead(reference.join('.'))),
      );
      if (takesHead && (hasSecrets || !isAlone))
        found.push(problem("a pull request's head is checked out near secrets"));
      return found;
    }),
  );
};

function isHead(name: string): boolean {
  return name === 'github.head_ref' || name.startsWith('github.event.pull_request.head.');
}
