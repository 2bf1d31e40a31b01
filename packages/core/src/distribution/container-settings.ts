import type { Step } from '../dockerfile/dockerfile.ts';
import { envOf, type ImageConfig, labelsOf } from './image-config.ts';
import { isOwnLabel } from './labels.ts';

/** What a container starts with, under the names that images use; https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md#properties. */
export type ContainerSettings = Readonly<Record<string, unknown>>;

/** Returns what a container of the base image starts with after some instructions. */
export function applySteps(base: ImageConfig, steps: readonly Step[]): ContainerSettings {
  const labels = new Map(Object.entries(labelsOf(base)).filter(([name]) => !isOwnLabel(name)));
  const env = envOf(base);
  let settings: ContainerSettings = base.config;
  // A CMD of the base image would become the arguments of another program.
  if (has(steps, 'entrypoint') && !has(steps, 'cmd')) settings = { ...settings, Cmd: undefined };
  for (const step of steps) settings = applyStep(settings, step, labels, env);
  return {
    ...settings,
    ...(env.size > 0 && { Env: [...env].map(([name, value]) => `${name}=${value}`) }),
    Labels: Object.fromEntries(labels),
  };
}

function has(steps: readonly Step[], kind: Step['kind']): boolean {
  return steps.some((step) => step.kind === kind);
}

function applyStep(
  settings: ContainerSettings,
  step: Step,
  labels: Map<string, string>,
  env: Map<string, string>,
): ContainerSettings {
  switch (step.kind) {
    case 'label':
      for (const [name, value] of step.values) if (!isOwnLabel(name)) labels.set(name, value);
      return settings;
    case 'env':
      for (const [name, value] of step.values) env.set(name, value);
      return settings;
    case 'workdir':
      return { ...settings, WorkingDir: step.path };
    case 'user':
      return { ...settings, User: step.user };
    case 'expose': {
      const ports = Object.fromEntries(step.ports.map((port) => [port, {}]));
      return { ...settings, ExposedPorts: { ...asObject(settings['ExposedPorts']), ...ports } };
    }
    case 'entrypoint':
      return { ...settings, Entrypoint: step.command };
    case 'cmd':
      return { ...settings, Cmd: step.command };
    case 'healthcheck':
      return { ...settings, Healthcheck: step.check };
    default:
      return settings;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
