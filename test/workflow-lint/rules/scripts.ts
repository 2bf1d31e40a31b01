import { mapping, type Workflow } from '../read-workflow.ts';
import { at, type Problem, type Rule } from '../rule.ts';

/** A value that is put into a program is run by it; `env` passes it as data. */
export const scripts: Rule = (workflow) => [
  ...checkDefaults('', workflow.value['defaults'], workflow),
  ...workflow.jobs.flatMap(({ pointer, value, steps }) => [
    ...checkDefaults(pointer, value['defaults'], workflow),
    ...steps.flatMap((step) => [
      ...checkText(`${step.pointer}/run`, step.value['run'], workflow),
      ...checkText(`${step.pointer}/shell`, step.value['shell'], workflow),
      ...checkText(`${step.pointer}/with/script`, step.with['script'], workflow),
    ]),
  ]),
];

function checkDefaults(pointer: string, defaults: unknown, workflow: Workflow): Problem[] {
  const { shell } = mapping(mapping(defaults)['run']);
  return checkText(`${pointer}/defaults/run/shell`, shell, workflow);
}

function checkText(place: string, text: unknown, workflow: Workflow): Problem[] {
  if (typeof text !== 'string' || !text.includes('${{')) return [];
  const key = place.slice(place.lastIndexOf('/') + 1);
  return [at(workflow, place, `\`${key}\` holds \${{ }}: pass the value by \`env\`, where it stays data`)];
}
