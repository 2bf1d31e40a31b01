import { asMapping } from '@slipway/sandbox/runner/yaml-value';

/** Returns the names of the events that a workflow starts on; `path` says in errors which one. */
export function eventsOf(workflow: unknown, path: string): string[] {
  const { on } = asMapping(workflow, path);
  const isMapping = typeof on === 'object' && on !== null && !Array.isArray(on);
  return isMapping ? Object.keys(on) : [on ?? []].flat().map(String);
}
