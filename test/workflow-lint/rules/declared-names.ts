import { childPointer } from '@slipway/core/util/yaml-document';
import { referencesOf } from '../expression.ts';
import { type Mapping, mapping, secretName, type Workflow } from '../read-workflow.ts';
import { at, type Problem, type Rule } from '../rule.ts';

/** The secret that every workflow has without asking. */
const OWN_TOKEN = 'github-token';

/** What a workflow uses it declares, and what it declares it uses. */
export const declaredNames: Rule = (workflow) => [...checkInputs(workflow), ...checkSecrets(workflow)];

interface Used {
  readonly name: string;
  readonly pointer: string;
}

function checkInputs(workflow: Workflow): Problem[] {
  const used = usesOf(workflow, 'inputs');
  const forms = ['workflow_call', 'workflow_dispatch'].filter((event) => event in workflow.events);
  if (forms.length === 0) return used.map(({ name, pointer }) => at(workflow, pointer, `there is no input ${name}`));
  return forms.flatMap((event) =>
    compare(used, mapping(mapping(workflow.events[event])['inputs']), 'input', `/on/${event}/inputs`, workflow),
  );
}

function checkSecrets(workflow: Workflow): Problem[] {
  if (workflow.kind !== 'reusable') return [];
  const used = usesOf(workflow, 'secrets').filter(({ name }) => secretName(name) !== OWN_TOKEN);
  const declared = mapping(mapping(workflow.events['workflow_call'])['secrets']);
  return compare(used, declared, 'secret', '/on/workflow_call/secrets', workflow);
}

function compare(used: readonly Used[], declared: Mapping, kind: string, place: string, workflow: Workflow): Problem[] {
  const names = new Set(used.map(({ name }) => name));
  return [
    ...used
      .filter(({ name }) => !(name in declared))
      .map(({ name, pointer }) => at(workflow, pointer, `there is no ${kind} ${name}`)),
    ...Object.keys(declared)
      .filter((name) => !names.has(name))
      .map((name) => at(workflow, childPointer(place, name), `nothing uses the ${kind} ${name}`)),
  ];
}

function usesOf(workflow: Workflow, context: string): Used[] {
  return workflow.expressions.flatMap((expression) =>
    referencesOf(expression).flatMap((reference) => {
      const isInput = context === 'inputs' && reference.slice(0, 3).join('.') === 'github.event.inputs';
      const [first, name] = isInput ? reference.slice(2) : reference;
      return first === context && name !== undefined ? [{ name, pointer: expression.pointer }] : [];
    }),
  );
}
